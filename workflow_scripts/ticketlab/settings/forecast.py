"""From when on roles can be foretold: what a role is, how it is foretold, and what counts as foretold.

Fixed before any of it was measured.
"""

from typing import Annotated, Self

from pydantic import Field, PositiveFloat, model_validator

from workflow_scripts.ticketlab.settings.base import Section

Share = Annotated[float, Field(gt=0, lt=1)]


class ForecastSettings(Section):
    """A logistic regression from components as they are at step k to whether they have a role at the end."""

    checkpoints: Annotated[int, Field(ge=2)] = Field(
        6, description="steps k, evenly spaced among the recorded ones, the first and the last among them"
    )
    top_share: Share = Field(
        0.25, description="a component has the role of a score if at the end it is in this highest share of its layer"
    )
    inverse_penalty: PositiveFloat = Field(
        0.1, description="C of the logistic regression: the smaller, the stronger its L2 penalty"
    )
    permutations: Annotated[int, Field(ge=2)] = Field(
        6, description="of each role within each layer of each network, at the first step: the chance level"
    )
    chance: Share = Field(0.4, description="between this AUC and `foretold` roles count as not foretold")
    foretold: Share = Field(0.6, description="roles count as foretold above this AUC")
    overlap: Share = Field(
        0.2,
        description="rank correlation above which a supermask counts as choosing the components that will matter",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.chance < 0.5 < self.foretold:
            raise ValueError(f"chance {self.chance} must be below 0.5, and foretold {self.foretold} above it")
        return self
