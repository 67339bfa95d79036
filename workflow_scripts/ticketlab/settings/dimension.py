"""The settings of the dimension experiment and the bounds of prediction P7, fixed before a run (docs/theory.md)."""

from typing import Annotated, Any, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share, refuse_repeats
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings, of_widths
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings


class LinearDimensionSettings(Section):
    """Deep linear networks, where 2λ is known and a loss of 0 can be reached: the instrument against its ground truth.

    The bounds of P7 are here too, for all studies.
    """

    networks: list[NetworkSettings] = Field(
        of_widths(
            ([3, 3, 3], 0),
            ([3, 3, 3], 1),
            ([6, 3, 2], 1),
            ([4, 3, 8], 0),
            ([4, 6, 3, 5], 1),
            ([5, 5, 5], 2),
            ([5, 5, 5, 5], 2),
            ([6, 4, 6], 2),
            ([8, 8, 8], 4),
            ([6, 6, 6, 6, 6], 3),
        ),
        min_length=2,
    )
    seeds: Annotated[int, Field(ge=2)] = 16
    starts: PositiveInt = Field(4, description="starts of a search for a zero in a subspace: θ₀ and others around it")
    tolerance: Share = Field(0.01, description="share of the loss at θ₀ at which D* is taken, in addition to 0")
    keep: Share = Field(0.9, description="share of the remaining weights that a round of pruning keeps")
    alpha: Share = Field(0.05, description="1 − coverage of the intervals")
    slope_tolerance: Share = Field(0.2, description="a slope within 1 ± this counts as 1")
    change_tolerance: Share = Field(
        0.1, description="a relative change under a rotation counts as 0 if its whole interval lies within ± this"
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats(networks=[str(network) for network in self.networks])
        return self


class CellSettings(Section):
    """One size of a study's model: the subspaces to train in and the tickets."""

    seeds: Annotated[int, Field(ge=2)] = 8
    dimensions: list[PositiveInt] = Field(
        [64, 128, 256, 512, 1024, 2048, 4096],
        min_length=2,
        description="sizes of subspaces and trainable sets, ascending; those below the number of weights are tried",
    )
    rate: PositiveFloat = Field(8.0, description="peak learning rate of all networks here, in units of the study's")
    matched_loss: PositiveFloat = Field(
        description="training loss in nats at which the model's sizes are compared by λ̂; all of them must reach it"
    )
    schedule: ScheduleSettings = ScheduleSettings(keep=0.7)
    rounds: PositiveInt = Field(12, description="rounds of iterative magnitude pruning from θ₀")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.dimensions != sorted(set(self.dimensions)):
            raise ValueError(f"dimensions {self.dimensions} must ascend, each once")
        return self


class DimensionSettings(CellSettings):
    """A study at several sizes of its model."""

    cells: list[dict[str, PositiveInt | list[PositiveInt]]] = Field(
        min_length=2, description="for each size, the keys of the study's model that change"
    )

    @model_validator(mode="after")
    def _differ(self) -> Self:
        refuse_repeats(cells=[name_of(cell) for cell in self.cells])
        return self

    def by_name(self) -> dict[str, dict[str, Any]]:
        return {name_of(cell): cell for cell in self.cells}


def name_of(cell: dict[str, Any]) -> str:
    """{hidden: [25, 12]} is called hidden25_12."""
    parts = [f"{key}{'_'.join(map(str, value if isinstance(value, list) else [value]))}" for key, value in cell.items()]
    return "_".join(parts)


class RotationSettings(Section):
    """The trained transformer with queries and keys rotated inside each head: the same function in another basis."""

    rotations: PositiveInt = Field(3, description="random rotations of each network, in addition to principal axes")
    densities: list[Share] = Field(
        [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2],
        min_length=2,
        description="densities of one-shot magnitude pruning without further training, descending",
    )
    trained_level: NonNegativeInt = Field(
        0, description="round of the study's schedule at whose density one-shot tickets are also trained; 0 for none"
    )

    @model_validator(mode="after")
    def _descending(self) -> Self:
        if self.densities != sorted(set(self.densities), reverse=True):
            raise ValueError(f"densities {self.densities} must descend, each once")
        return self
