"""The settings of the search for masks over untrained weights."""

from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share, refuse_repeats


class SupermaskSettings(Section):
    """Edge-popup (Ramanujan et al. 2020): masks over weights that are never trained."""

    densities: list[Share] = Field(min_length=1)
    inits: list[Literal["kaiming", "signed_constant"]] = Field(["kaiming", "signed_constant"], min_length=1)
    learning_rate: PositiveFloat
    steps: PositiveInt

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(densities=self.densities, inits=self.inits)
        return self
