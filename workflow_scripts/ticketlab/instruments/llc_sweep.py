"""The settings around a study's own at which the learning coefficient is estimated, to test a study's statements.

Levels of λ̂ depend on the step size ε, the temperature nβ and the localisation γ, and on text have no plateau in γ;
comparisons rest on the order of networks. So ε, nβ and γ are varied one at a time, and the order at each setting is
compared with the order at the study's own.
"""

from collections.abc import Iterator, Sequence

from workflow_scripts.ticketlab.settings.llc import LLCSettings

VARIED = ("learning_rate", "nbeta", "localization")


def grid(settings: LLCSettings, factors: Sequence[float]) -> Iterator[tuple[str, float, LLCSettings]]:
    """The name of the varied setting, its value, and the settings with it; each includes factor 1 (the study's own)."""
    for name in VARIED:
        own = getattr(settings, name)
        for factor in sorted({1.0, *factors}):
            yield name, own * factor, settings.model_copy(update={name: own * factor})
