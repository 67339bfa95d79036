"""The settings of the noise experiment, which measures how far the initialisation decides at each dose of noise."""

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats


class NoiseSettings(Section):
    """The dense networks and their siblings on other data orders from step 0, once for each batch size."""

    batch_sizes: Annotated[list[PositiveInt], Field(min_length=2)] = Field(
        description="doses: the noise of a gradient falls with the square root of the batch size, and faster where "
        "batches are a large part of an epoch"
    )
    orders: PositiveInt = Field(1, description="data orders per initialisation, the dense run's not counted")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(batch_sizes=self.batch_sizes)
        return self
