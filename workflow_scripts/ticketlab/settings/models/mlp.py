"""The section of a fully connected network."""

from typing import ClassVar, Literal

from pydantic import Field

from workflow_scripts.ticketlab.settings.base import Section, Width


class Settings(Section):
    """A fully connected ReLU network (models/mlp.py); LeNet-300-100 is hidden: [300, 100]."""

    READS: ClassVar = ("features",)
    COMPONENTS: ClassVar = "unit"
    WIDTHS: ClassVar = ("hidden",)

    kind: Literal["mlp"]
    hidden: list[Width] = Field(min_length=1, max_length=100)
