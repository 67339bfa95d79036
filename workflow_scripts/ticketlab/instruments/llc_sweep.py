"""The learning coefficient at other settings than a study's own: which statements about a study survive them?

Levels of λ̂ depend on the step size ε, the temperature nβ and the localisation γ, and on text have no plateau in γ;
the order of networks is what a comparison rests on. So ε, nβ and γ are varied one at a time, and each setting's order
is held against that at the study's own.
"""

from collections.abc import Iterator, Sequence

from workflow_scripts.ticketlab.settings.llc import LLCSettings

VARIED = ("learning_rate", "nbeta", "localization")


def grid(settings: LLCSettings, factors: Sequence[float]) -> Iterator[tuple[str, float, LLCSettings]]:
    """What is varied, its value, and the settings with it; a factor of 1 (the study's own) is among them for each."""
    for name in VARIED:
        own = getattr(settings, name)
        for factor in sorted({1.0, *factors}):
            yield name, own * factor, settings.model_copy(update={name: own * factor})
