"""Which transients of a study's dense networks are looked for in its tickets."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats


class DevelopmentSettings(Section):
    """Tickets from θ₀, with IMP's mask and with the mask of each transient's peak, and all of these shuffled."""

    structures: Annotated[list[str], Field(min_length=1)] = Field(
        description="structures that dense networks acquire and leave again; the step nearest to each gives a mask"
    )
    level: PositiveInt | None = Field(
        None, description="the round whose density these tickets have, one that matches; null: pruning.clock_level"
    )
    llc_checkpoints: NonNegativeInt = Field(
        0, description="at so many of the dense run's steps of `llc` it is estimated in tickets too; 0: nowhere"
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(structures=self.structures)
        return self
