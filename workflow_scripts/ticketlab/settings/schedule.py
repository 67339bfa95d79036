"""The pruning schedule: what an IMP round depends on, apart from the numbers of rounds and controls."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share

Rounds = Annotated[int, Field(gt=0, le=1_000)]  # each is a job and a level of the results


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

    def counts(self, sizes: Mapping[str, int], level: int) -> int | dict[str, int]:
        """How many weights round `level` keeps of tensors with these numbers of elements: of all together, or of each.

        0 where it would keep none.
        """
        if self.scope == "global":
            return round(sum(sizes.values()) * self.keep**level)
        return {name: round(count * self.keep_by_tensor.get(name, self.keep) ** level) for name, count in sizes.items()}
