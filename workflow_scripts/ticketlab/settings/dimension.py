"""The settings of the dimension experiment and the bounds of prediction P7, fixed before a run (docs/theory.md)."""

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share, refuse_repeats
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings, of_widths


class DimensionSettings(Section):
    """Deep linear networks, where 2λ is known and a loss of 0 can be reached."""

    networks: list[NetworkSettings] = Field(
        of_widths(
            ([3, 3, 3], 0),
            ([3, 3, 3], 1),
            ([6, 3, 2], 1),
            ([4, 3, 8], 0),
            ([4, 6, 3, 5], 1),
            ([5, 5, 5], 2),
            ([5, 5, 5, 5], 2),
            ([6, 4, 6], 2),
            ([8, 8, 8], 4),
            ([6, 6, 6, 6, 6], 3),
        ),
        min_length=3,
    )
    seeds: Annotated[int, Field(ge=2)] = 16
    starts: PositiveInt = Field(4, description="starts of a search for a zero in a subspace: θ₀ and others around it")
    tolerance: Share = Field(0.01, description="share of the loss at θ₀ at which D* is taken, in addition to 0")
    keep: Share = Field(0.9, description="share of the remaining weights that a round of pruning keeps")
    alpha: Share = Field(0.05, description="1 − coverage of the intervals")
    slope_tolerance: Share = Field(0.2, description="a slope within 1 ± this counts as 1")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(networks=[str(network) for network in self.networks])
        return self
