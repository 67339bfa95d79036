"""The section of a decoder-only transformer."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Width


class Settings(Section):
    """A decoder-only transformer (models/transformer.py)."""

    READS: ClassVar = ("features in sequence", "symbols in sequence")
    COMPONENTS: ClassVar = "head"
    WIDTHS: ClassVar = ("width", "mlp_width")

    kind: Literal["transformer"]
    layers: Annotated[int, Field(gt=0, le=1_000)]
    width: Width = Field(description="residual stream width; a multiple of `heads`")
    heads: Annotated[int, Field(gt=0, le=1_000)]
    mlp_width: Annotated[int, Field(ge=0, le=100_000, description="hidden units per block; 0: attention only")] = 0
    positions: Literal["relative", "absolute"] = "relative"
    layer_norm: bool = Field(True, description="false: no normalisation anywhere, as in Edelman et al.'s networks")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}; change one of them")
        return self
