"""The settings of the comparison of networks with reference predictors."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats


class StructureSettings(Section):
    split: str = Field(
        default="validation",
        description="evaluation set over which distances are averaged: a split or one of the task's further sets",
    )
    structures: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None,
        description="names of the task's reference predictors; null: all of them; components are always traced",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(structures=self.structures or [])
        return self
