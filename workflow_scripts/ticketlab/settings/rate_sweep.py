"""Learning rates around a study's own, for the target `sweeps`: is the recipe's rate the best for its dense network?"""

from typing import Self

from pydantic import Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats
from workflow_scripts.ticketlab.settings.pruning import RateFactor


class RateSweepSettings(Section):
    """Dense networks are trained at each factor of the learning rate and compared on validation."""

    factors: list[RateFactor] = Field(
        [0.25, 0.5, 1.0, 2.0, 4.0], min_length=1, description="the learning rate is multiplied by each of these"
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(factors=self.factors)
        return self
