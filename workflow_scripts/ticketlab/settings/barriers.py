"""The settings of the barriers on the straight line between two networks."""

from typing import Annotated

from pydantic import Field

from workflow_scripts.ticketlab.settings.base import Section


class BarriersSettings(Section):
    """The networks are those of `spawning`."""

    points: Annotated[int, Field(ge=3)] = Field(9, description="evenly spaced points of the line, both ends included")
