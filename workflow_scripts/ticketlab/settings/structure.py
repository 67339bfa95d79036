"""The settings of the comparison of networks with reference predictors."""

from typing import Annotated

from pydantic import Field

from workflow_scripts.ticketlab.settings.base import Section


class StructureSettings(Section):
    split: str = Field(
        default="validation",
        description="evaluation set over which distances are averaged: a split or one of the task's further sets",
    )
    structures: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None,
        description="names of the task's reference predictors; null: all of them; components are always traced",
    )
