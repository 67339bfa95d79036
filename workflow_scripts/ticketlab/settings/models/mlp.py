"""The section of a fully connected network."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from workflow_scripts.ticketlab.settings.base import Section


class Settings(Section):
    """A fully connected ReLU network (models/mlp.py); LeNet-300-100 is hidden: [300, 100]."""

    READS: ClassVar = ("features",)

    kind: Literal["mlp"]
    hidden: list[PositiveInt] = Field(min_length=1)
