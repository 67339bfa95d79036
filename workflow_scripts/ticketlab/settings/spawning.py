"""The settings of the children of a dense run: the steps at which they split off and their data orders."""

from typing import Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats


class SpawningSettings(Section):
    """Data orders split at `split_steps`; order 0 is the dense run's own, repeated once as the exact replicate."""

    split_steps: list[NonNegativeInt] = Field(min_length=1)
    orders: PositiveInt = Field(
        description="data orders per initialisation and split step, the dense run's not counted"
    )
    controls: list[Literal["chaos", "reordered"]] = Field(
        ["chaos", "reordered"],
        description="one more network of each initialisation: θ₀ a millionth off, or its batches in another order",
    )

    @model_validator(mode="after")
    def _starts_at_initialisation(self) -> Self:
        if 0 not in self.split_steps or len(set(self.split_steps)) != len(self.split_steps):
            raise ValueError(
                f"split_steps {self.split_steps} must hold 0 (the exact replicate is made there), each once"
            )
        refuse_repeats(controls=self.controls)
        return self
