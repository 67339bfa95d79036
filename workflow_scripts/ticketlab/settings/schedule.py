"""How much each round prunes: what an IMP round depends on, apart from how many rounds and controls there are."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section

Share = Annotated[float, Field(gt=0, lt=1)]


class ScheduleSettings(Section):
    """How much a round prunes, and what competes with what."""

    scope: Literal["global", "layerwise"] = Field(
        "global", description="weights compete over the network or per tensor"
    )
    keep: Share = Field(description="share of the remaining weights that a round keeps")
    keep_by_tensor: dict[str, Share] = Field({}, description="layerwise only: other shares, e.g. for the output layer")

    @model_validator(mode="after")
    def _layerwise(self) -> Self:
        if self.keep_by_tensor and self.scope == "global":
            raise ValueError("keep_by_tensor needs scope: layerwise")
        return self
