"""Agreement of the places of large final weights between pairs of networks, as rows of table `agreement`."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.instruments import role_agreement
from workflow_scripts.ticketlab.pruning.overlap import rows as overlap_rows
from workflow_scripts.ticketlab.tables.schemas.roles import MASK
from workflow_scripts.ticketlab.training.stack import Member, Stack, take


def mask_agreement(
    study: str,
    members: Sequence[Member],
    masks: Stack,
    initial: Stack,
    pairs_of: Callable[[pd.DataFrame], pd.DataFrame] = role_agreement.pairs_of,
) -> pd.DataFrame:
    """Overlap of the masks of each pair of networks, as rows of `agreement`, matching "mask".

    masks, initial: of each member, by tensor; initial holds the weights before training. pairs_of: (rows of
    Member.keys()) to columns pair, split_step, and the rows a and b of the two. The agreement on a tensor is
    (J − chance)/(1 − chance): J is the Jaccard index, chance its value if the masks were independent among weights of
    similar |initial weight| of the first network (overlap.overlap_given), since large weights that merely stay large
    are no decision. "all" is the mean over tensors.
    """
    networks = pd.DataFrame([member.keys() for member in members])
    pairs = pairs_of(networks)
    one, other = (pairs[side].tolist() for side in ("a", "b"))
    rows = overlap_rows(
        study, [members[index] for index in one], 0, "other", take(masks, one), take(masks, other), take(initial, one)
    )
    keys = role_agreement.pair_keys(study, networks, pairs)
    values = {tensor: group["beyond_initial"].to_numpy() for tensor, group in rows.groupby("tensor", sort=False)}
    values["all"] = np.mean(list(values.values()), axis=0)
    parts = [keys.assign(matching=MASK, score=score, agreement=column) for score, column in values.items()]
    return pd.concat(parts, ignore_index=True)
