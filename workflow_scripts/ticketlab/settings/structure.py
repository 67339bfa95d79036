"""How networks are compared with reference predictors."""

from typing import Annotated, Literal

from pydantic import Field

from workflow_scripts.ticketlab.settings.base import Section


class StructureSettings(Section):
    split: Literal["train", "validation", "test"] = Field(
        default="validation", description="the evaluation set that distances are averaged over"
    )
    structures: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None,
        description="names of the task's reference predictors; null: all of them; components are always traced",
    )
