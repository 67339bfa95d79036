"""The description of a deep linear network, shared by the LLC's calibration and the dimension experiment."""

from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section


class NetworkSettings(Section):
    """A deep linear network with a true map of this rank."""

    widths: list[PositiveInt] = Field(min_length=2)
    rank: NonNegativeInt

    @model_validator(mode="after")
    def _has_this_rank(self) -> Self:
        if self.rank > min(self.widths):
            raise ValueError(f"rank {self.rank} is above the smallest of the widths {self.widths}")
        return self

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.widths))} rank {self.rank}"


def of_widths(*rows: tuple[list[int], int]) -> list[NetworkSettings]:
    """Deep linear networks by their widths and ranks."""
    return [NetworkSettings(widths=widths, rank=rank) for widths, rank in rows]
