"""Networks that keep a part of θ₀ while all other initial weights are drawn again, and the pairs to compare them with.

There are four parts (settings/resampling.py): the ticket; the rest; random sets as large as the ticket in each tensor,
since size alone has an effect; and the largest weights of θ₀, since tickets are rich in weights that begin large. All
parts of an initialisation get the same new draw, so ticket and rest are the two halves of one exchange.

A resampled network is trained on the data order of its dense parent and compared with the parent's siblings, which have
the same θ₀ and other orders. So what it still shares with them is decided by θ₀ *for every order*, as in
instruments/determinacy.py. The parent itself, compared with them, is "everything" kept; dense networks of other
initialisations are "nothing". A comparison with the parent's own order would show the chaos of training even for a
small change.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from workflow_scripts.ticketlab.instruments import role_agreement as instruments_role_agreement
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.resampling import EVERYTHING, NOTHING
from workflow_scripts.ticketlab.training.stack import Member, Stack


def variant(kept: str) -> str:
    """The variant, in tables, of networks that kept this part."""
    return f"kept_{kept}"


def part(kept: str, ticket: Stack, initial: Stack, study: str, members: Sequence[Member]) -> Stack:
    """The mask of the weights to keep; ticket: IMP's mask, initial: θ₀, both of the prunable tensors."""
    parts: dict[str, Callable[[], Stack]] = {
        "ticket": lambda: ticket,
        "rest": lambda: {name: 1 - mask for name, mask in ticket.items()},
        "random": lambda: pruning.shuffle(ticket, study, members),
        "largest": lambda: _largest(ticket, initial),
    }
    return parts[kept]()


def _largest(ticket: Stack, initial: Stack) -> Stack:
    """The largest |θ₀|, as many as each network's ticket has in each tensor."""
    kept = {}
    for name, mask in ticket.items():
        ranks = initial[name].flatten(1).abs().argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        kept[name] = (ranks < mask.flatten(1).sum(1, keepdim=True)).to(mask.dtype).reshape(mask.shape)
    return kept


def exchange(initial: Stack, fresh: Stack, keep: Stack) -> Stack:
    """`initial` where `keep` is 1, else `fresh`; tensors without a mask belong to no ticket and are all `fresh`."""
    return {
        name: torch.where(keep[name] > 0, initial[name], tensor) if name in keep else tensor
        for name, tensor in fresh.items()
    }


def pairs_of(networks: pd.DataFrame) -> pd.DataFrame:
    """The compared networks, as `pair` (a part, "everything" or "nothing") and their rows `a` and `b`.

    networks: columns role_agreement.NETWORK. b is always a sibling: spawned at step 0 on an order that is not its
    parent's.
    """
    rows = networks.reset_index(names="row")
    dense = rows[rows["variant"] == "dense"]
    own_order = dense.set_index("init_seed")["data_seed"]
    spawned = rows[rows["variant"].eq("spawned") & rows["rewind_step"].eq(0)]
    siblings = spawned[spawned["data_seed"] != spawned["init_seed"].map(own_order)]
    found = []
    for _, sibling in siblings.iterrows():
        for _, other in rows[rows["variant"].str.match(f"dense$|{variant('')}")].iterrows():
            same = other["init_seed"] == sibling["init_seed"]
            if other["variant"] == "dense":
                found.append((EVERYTHING if same else NOTHING, other["row"], sibling["row"]))
            elif same:
                found.append((other["variant"].removeprefix(variant("")), other["row"], sibling["row"]))
    return pd.DataFrame(found, columns=["pair", "a", "b"]).assign(split_step=0)


def role_agreement(frame: pd.DataFrame) -> pd.DataFrame:
    """Agreement of roles, component i with component i, as rows of `agreement`; frame: rows of `roles` at the end.

    As in role_agreement.compare, it is the correlation of a score across the components of a layer, with the two
    networks of a pair on different probes.
    """
    roles = instruments_role_agreement.role_vectors(frame)
    pairs, scaled = pairs_of(roles.networks), instruments_role_agreement.standardise(roles)
    one, other = (scaled[pairs[side].to_numpy()] for side in ("a", "b"))
    values = np.einsum("pqcs,pqcs->ps", one, other[:, ::-1]) / len(instruments_role_agreement.PROBES)
    keys = instruments_role_agreement.pair_keys(roles.study, roles.networks, pairs)
    scores = zip(
        [*roles.scores, "all"], [*values.T, values @ instruments_role_agreement.votes(roles.scores)], strict=True
    )
    parts = [keys.assign(matching="identity", score=score, agreement=column) for score, column in scores]
    return pd.concat(parts, ignore_index=True)
