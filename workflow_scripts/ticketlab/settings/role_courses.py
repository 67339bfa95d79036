"""The settings of role scores along training, beside those at its end."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from workflow_scripts.ticketlab.settings.roles import RolesSettings

LEAST = 3  # steps of a course: an end, a start, and one between


class FollowedRolesSettings(RolesSettings):
    """Every score is measured on two independent probes, so agreement never comes from a shared sample."""

    checkpoints: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0,
        description="number of the dense run's recorded steps at which its roles are scored, the last among them; "
        "0: at the last alone",
    )

    @model_validator(mode="after")
    def _a_course(self) -> Self:
        if 0 < self.checkpoints < LEAST:
            raise ValueError(f"checkpoints {self.checkpoints} make no course: give 0, or at least {LEAST}")
        return self
