"""The settings of the search for masks over untrained weights."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share, refuse_repeats


class SupermaskSettings(Section):
    """Edge-popup (Ramanujan et al. 2020): masks over weights that are never trained."""

    densities: list[Share] = Field(min_length=1)
    inits: list[Literal["kaiming", "signed_constant"]] = Field(["kaiming", "signed_constant"], min_length=1)
    widths: list[Annotated[int, Field(gt=0, le=100)]] = Field(
        [1],
        min_length=1,
        description="of the masked networks, in multiples of the dense network's",
    )
    position_deviation: PositiveFloat = Field(
        2.0, description="standard deviation of a transformer's random position biases, in attention scores"
    )
    learning_rate: PositiveFloat
    steps: PositiveInt

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(densities=self.densities, inits=self.inits, widths=self.widths)
        if 1 not in self.widths:
            raise ValueError(f"widths {self.widths} must hold 1, the dense network's own")
        return self


def variant(init: str, width: int) -> str:
    """The networks' key in every table; only wider networks than the dense one carry their width."""
    return f"supermask_{init}" + (f"_x{width}" if width > 1 else "")


def init_and_width(variant: str) -> tuple[str, int]:
    """What `variant` was made of."""
    init, _, width = variant.removeprefix("supermask_").partition("_x")
    return init, int(width or 1)
