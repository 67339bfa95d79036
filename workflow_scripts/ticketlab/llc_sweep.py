"""The learning coefficient at other settings than a study's own: which statements about a study survive them?

Levels of λ̂ depend on the step size ε, the temperature nβ and the localisation γ, and on text have no plateau in γ;
the order of networks is what a comparison rests on. So ε, nβ and γ are varied one at a time, and each setting's order
is held against that at the study's own.
"""

from collections.abc import Iterator, Sequence

import pandas as pd
from scipy import stats

from workflow_scripts.ticketlab.settings.llc import LLCSettings

VARIED = ("learning_rate", "nbeta", "localization")
NETWORK = ["init_seed", "data_seed", "variant", "rewind_step", "level", "step"]


def grid(settings: LLCSettings, factors: Sequence[float]) -> Iterator[tuple[str, float, LLCSettings]]:
    """What is varied, its value, and the settings with it; a factor of 1 (the study's own) is among them for each."""
    for name in VARIED:
        own = getattr(settings, name)
        for factor in sorted({1.0, *factors}):
            yield name, own * factor, settings.model_copy(update={name: own * factor})


def orderings(frame: pd.DataFrame, own: LLCSettings) -> pd.DataFrame:
    """Per value of what was varied: is the order of the networks that of the study's own settings?

    frame: table `llc_sweep`. Columns: varied, value, tau (Kendall's τ of λ̂ with λ̂ at the own settings, over networks
    flagged at neither; NaN for fewer than two), level (the mean ratio of the two), n (such networks), flagged (others).
    """
    rows = []
    for varied, group in frame.groupby("varied"):
        values = group.pivot(index=NETWORK, columns="value", values="llc")
        flags = group.pivot(index=NETWORK, columns="value", values="flag")
        reference = min(values.columns, key=lambda value: abs(value - getattr(own, str(varied))))
        for value in values.columns:
            kept = flags[value].eq("") & flags[reference].eq("")
            here, there = values.loc[kept, value], values.loc[kept, reference]
            rows.append(
                {
                    "varied": varied,
                    "value": value,
                    "tau": stats.kendalltau(here, there).statistic if len(here) > 1 else float("nan"),
                    "level": (here / there).mean(),
                    "n": int(kept.sum()),
                    "flagged": int((~kept).sum()),
                }
            )
    return pd.DataFrame(rows)
