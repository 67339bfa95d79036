"""The settings of the pruning calibration: planted teachers, the null study and the bounds of each check."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share, Width
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.procedure import Procedure
from workflow_scripts.ticketlab.settings.schedule import Rounds, ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings


class PlantedSettings(Section):
    """A sparse teacher: a linear map where `hidden` is 0, else one layer of `hidden` ReLU units."""

    inputs: PositiveInt
    hidden: NonNegativeInt
    outputs: PositiveInt
    density: Share = Field(description="share of each unit's weights that the teacher has, rounded to whole weights")
    noise: NonNegativeFloat = Field(description="standard deviation of the noise on the teacher's outputs")
    planted_round: PositiveInt = Field(description="the round of pruning at which the teacher's density is reached")
    rounds: Rounds
    margin: Annotated[float, Field(gt=0, le=1)] = Field(
        description="recovery that is required: 0 is chance given the density of each layer, 1 the best possible"
    )
    training: TrainingSettings

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.rounds < self.planted_round:
            raise ValueError(f"rounds {self.rounds} must reach planted_round {self.planted_round}")
        if min(round(self.density * self.inputs), round(self.density * self.outputs)) < 1:
            raise ValueError(f"density {self.density:g} leaves a unit without a weight; raise it, inputs or outputs")
        return self


class DigitsSettings(Section):
    """The classic result on scikit-learn's digits, and its null with labels permuted within each split."""

    hidden: list[Width] = Field([100, 50], min_length=1, max_length=100)
    training: TrainingSettings = TrainingSettings(learning_rate=0.0012, schedule="constant", batch_size=60, steps=400)
    schedule: ScheduleSettings = ScheduleSettings(scope="layerwise", keep=0.6, keep_by_tensor={"layers.2.weight": 0.8})
    rounds: Rounds = 3
    nulls: PositiveInt = Field(2, description="independent permutations of the labels, a study each")
    judging: list[JudgingSettings] = Field(
        [JudgingSettings(metric="error", margin=0.01), JudgingSettings(metric="loss", margin=0.02)],
        min_length=1,
        description="decision rules applied to the metrics; only the first must find winning tickets",
    )
    chance: PositiveFloat = Field(0.05, description="largest difference of the dense null networks' error from chance")


class ClassicSettings(Section):
    """LeNet-300-100 on 5000 images of MNIST, where tickets stop early and re-initialised ones late."""

    seeds: Annotated[int, Field(ge=2)] = 8
    first_seed: NonNegativeInt = Field(5, description="those before it were seen when the checks were chosen")
    held_out: Share = Field(0.1, description="share of the images in the validation split, and in the test split")
    hidden: list[Width] = Field([300, 100], min_length=1, max_length=100)
    training: TrainingSettings = TrainingSettings(learning_rate=0.0012, schedule="constant", batch_size=60, steps=1000)
    schedule: ScheduleSettings = ScheduleSettings(scope="layerwise", keep=0.8, keep_by_tensor={"layers.2.weight": 0.9})
    levels: list[PositiveInt] = Field(
        [3, 7],
        min_length=1,
        description="rounds at which the re-initialised control trains; the last one decides on it, and tickets are "
        "averaged over all rounds up to it",
    )
    record_every: PositiveInt = Field(20, description="steps between two evaluations, the resolution of early stopping")
    alpha: Share = Field(0.05, description="level of the tests, and 1 − coverage of the intervals")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.levels != sorted(set(self.levels)):
            raise ValueError(f"levels {self.levels} must ascend, each once")
        return self


class PruningCalibrationSettings(Section):
    seeds: Annotated[int, Field(ge=2)] = 8
    confidence: Share = Field(0.999, description="level of the exact intervals in which controls must lie")
    linear: PlantedSettings = PlantedSettings(
        inputs=50,
        hidden=0,
        outputs=10,
        density=0.2,
        noise=0.5,
        planted_round=4,
        rounds=6,
        margin=1.0,
        training=TrainingSettings(learning_rate=0.03, batch_size=64, steps=200),
    )
    relu: PlantedSettings = PlantedSettings(
        inputs=80,
        hidden=10,
        outputs=10,
        density=0.2,
        noise=0.1,
        planted_round=4,
        rounds=6,
        margin=0.5,
        training=TrainingSettings(learning_rate=0.02, batch_size=64, steps=250),
    )
    ticket_noise: Share = Field(0.2, description="largest weight outside the ticket over the smallest one inside")
    digits: DigitsSettings = DigitsSettings()
    classic: ClassicSettings | None = Field(ClassicSettings(), description="null: the classic result is not checked")


class PruningCalibrationSpec(PruningCalibrationSettings):
    """What the job reads: the section, and the procedures of the studies whose negative answers need a licence."""

    procedures: list[Procedure] = Field([], description="filled in from the studies")
