"""The settings of the forecast experiment: what a role is, how it is predicted, and what counts as predicted.

The values were fixed before anything was measured.
"""

from typing import Annotated, Self

from pydantic import Field, PositiveFloat, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share


class ForecastSettings(Section):
    """A logistic regression that predicts from a component at step k whether it has a role at the end."""

    checkpoints: Annotated[int, Field(ge=2)] = Field(
        6, description="number of steps k, evenly spaced among the recorded ones, with the first and the last"
    )
    top_share: Share = Field(
        0.25, description="a component has a score's role if it is in this highest share of its layer at the end"
    )
    inverse_penalty: PositiveFloat = Field(
        0.1, description="C of the logistic regression: the smaller, the stronger its L2 penalty"
    )
    permutations: Annotated[int, Field(ge=2)] = Field(
        6, description="permutations of each role within each layer and network, at the first step: the chance level"
    )
    chance: Share = Field(0.4, description="roles count as not predicted between this AUC and `predicted`")
    predicted: Share = Field(0.6, description="roles count as predicted above this AUC")
    overlap: Share = Field(
        0.2,
        description="rank correlation above which a supermask counts as choosing the components that matter later",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.chance < 0.5 < self.predicted:
            raise ValueError(f"chance {self.chance} must be below 0.5, and predicted {self.predicted} above it")
        return self
