"""Which learning rate each kind of network is judged at: that of its least validation loss, the mean over seeds.

A kind is a variant at one density and rewind step. The rate is chosen for the kind as a whole, so that seeds stay
paired, and never on the test split.
"""

import pandas as pd

KIND = ["variant", "rewind_step", "level"]
VALIDATION_LOSS = "validation loss"  # a quantity of `comparisons`


def at_all_rates(metrics: pd.DataFrame, rates: pd.DataFrame, last_step: int) -> pd.DataFrame:
    """The ends of the kinds of networks in table `rates`: at the recipe's own rate (1), from `metrics`, and at others.

    Like table `rates`.
    """
    kinds = rates[KIND].drop_duplicates()
    own = metrics[metrics["step"] == last_step].merge(kinds, on=KIND).assign(rate=1.0)
    return pd.concat([own, rates], ignore_index=True)


def validation_losses(networks: pd.DataFrame) -> pd.DataFrame:
    """Columns KIND, rate, loss: the mean over seeds; NaN where a network diverged. networks: as of at_all_rates."""
    mine = networks[networks["split"].eq("validation") & networks["metric"].eq("loss")]
    means = mine.groupby([*KIND, "rate"])["value"].agg(lambda values: values.mean(skipna=False))
    return means.rename("loss").reset_index()


def best(networks: pd.DataFrame) -> pd.DataFrame:
    """The rows of `networks` (as of at_all_rates) of each kind's best rate; of equal ones the lowest.

    A rate at which a network diverged is no kind's best, unless there is no other.
    """
    losses = validation_losses(networks).fillna(float("inf")).sort_values(["loss", "rate"], kind="stable")
    return networks.merge(losses.drop_duplicates(KIND)[[*KIND, "rate"]], on=[*KIND, "rate"])
