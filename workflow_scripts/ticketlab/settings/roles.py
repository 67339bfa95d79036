"""The settings of the role scores of heads and hidden units, and of their comparison."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats

Family = Literal[
    "previous_token",
    "first_token",
    "self",
    "distance",
    "entropy",
    "attention",
    "induction",
    "duplicate_token",
    "selectivity",
    "frequency",
    "ablation",
]

# The families that describe a component of each kind, whatever the task; those in its SCORES come in addition. "any":
# only the network itself knows its kind.
ALWAYS: dict[str, tuple[Family, ...]] = {
    "head": ("previous_token", "first_token", "self", "distance", "entropy", "ablation"),
    "unit": ("ablation",),
    "any": ("previous_token", "first_token", "self", "distance", "entropy", "ablation"),
}


class RolesSettings(Section):
    """Every score is measured on two independent probes, so agreement never comes from a shared sample."""

    scores: list[Family] | None = Field(None, min_length=1, description="families of scores; null: all that apply")
    split: Literal["validation", "test"] = "validation"
    examples: PositiveInt = Field(128, description="largest number of examples of a split per probe")
    random_sequences: PositiveInt = Field(64, description="repeated random sequences per probe, for attention scores")
    permutations: PositiveInt = Field(200, description="random index permutations behind the empirical chance level")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(scores=self.scores or [])
        return self
