"""The settings of the development experiment: which transients of the dense networks are sought in the tickets."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats


class DevelopmentSettings(Section):
    """Tickets from θ₀ with IMP's mask, with the mask of each transient's peak, and with all of these shuffled."""

    structures: Annotated[list[str], Field(min_length=1)] = Field(
        description="structures that dense networks learn and then lose; the step nearest to each gives a mask"
    )
    level: PositiveInt | None = Field(
        None, description="round whose density these tickets have, one that matches; null: pruning.clock_level"
    )
    llc_checkpoints: NonNegativeInt = Field(
        0, description="number of the dense run's LLC checkpoints at which tickets are also estimated; 0 for none"
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(structures=self.structures)
        return self
