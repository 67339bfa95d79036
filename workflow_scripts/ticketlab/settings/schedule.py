"""The pruning schedule: what an IMP round depends on, apart from the numbers of rounds and controls."""

from typing import Literal, Self

from pydantic import Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share


class ScheduleSettings(Section):
    """The share that a round keeps, and which weights compete with each other."""

    scope: Literal["global", "layerwise"] = Field(
        "global", description="weights compete over the whole network or within each tensor"
    )
    keep: Share = Field(description="share of the remaining weights that a round keeps")
    keep_by_tensor: dict[str, Share] = Field({}, description="layerwise only: shares of single tensors, e.g. the last")

    @model_validator(mode="after")
    def _layerwise(self) -> Self:
        if self.keep_by_tensor and self.scope == "global":
            raise ValueError("keep_by_tensor needs scope: layerwise")
        return self
