"""The settings of the resampling experiment, which keeps a part of the initial weights and draws the rest again."""

from typing import Literal, Self

from pydantic import Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats

Kept = Literal["ticket", "rest", "random", "largest"]
# What they are compared with: a dense network of the same θ₀, and those of others (experiments/resampling/parts.py).
EVERYTHING, NOTHING = "everything", "nothing"


class ResamplingSettings(Section):
    """A dense network for each initialisation and part: the part has θ₀'s weights, the rest those of another draw."""

    keep: list[Kept] = Field(
        ["ticket", "rest", "random", "largest"],
        description="ticket: the weights of IMP's mask at pruning.clock_level; rest: all others; random: as many "
        "weights of each tensor as the ticket has, drawn at random; largest: as many, those of largest initial size",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeats(keep=self.keep)
        if "ticket" not in self.keep or len(self.keep) < 2:
            raise ValueError(f"keep {self.keep} must hold ticket and another part to compare it with")
        return self
