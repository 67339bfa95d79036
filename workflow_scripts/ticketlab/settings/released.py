"""The settings of a study whose dense networks were trained elsewhere and released as series of checkpoints."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats

STEP = "{step}"


class ReleasedMember(Section):
    """One training run."""

    name: str | None = Field(
        None, pattern=r"^[\w.-]+(/[\w.-]+)?$", description="a model on the Hugging Face hub, one revision a step"
    )
    path: str | None = Field(None, min_length=1, description="a local folder that holds a folder a step")
    init_seed: NonNegativeInt = Field(
        description="runs from the same initial weights have the same one; they count from 0"
    )
    data_seed: NonNegativeInt = Field(0, description="tells runs of one init_seed apart")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.name is None) == (self.path is None):
            raise ValueError("give either name (on the hub) or path (a local folder)")
        return self

    def source(self) -> str:
        return self.name or self.path or ""


class ReleasedSettings(Section):
    """Series of checkpoints in the place of dense networks; the first run of an init_seed is its dense network."""

    members: list[ReleasedMember] = Field(min_length=1)
    steps: Annotated[list[NonNegativeInt], Field(min_length=3)] = Field(
        description="the steps that are read, from 0 to the last, as far as they were released"
    )
    revision: str = Field(
        "step{step}",
        min_length=1,
        description="of a step: the revision on the hub, the folder's name below path; {step} is its number",
    )
    block_size: PositiveInt | None = Field(None, description="initialisations in one job's memory; null: all")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.steps != sorted(set(self.steps)) or self.steps[0] != 0:
            raise ValueError(f"steps {self.steps} must ascend from 0, each once: distances are compared with the start")
        if STEP not in self.revision:
            raise ValueError(f"revision {self.revision!r} must hold {STEP}, or all steps are the same")
        refuse_repeats(
            members=[member.source() for member in self.members],
            init_seed_and_data_seed=[(member.init_seed, member.data_seed) for member in self.members],
        )
        seeds = self.init_seeds()
        if seeds != list(range(len(seeds))):
            raise ValueError(f"init_seed: the members have {seeds}, which must count from 0 without a gap")
        return self

    def init_seeds(self) -> list[int]:
        return sorted({member.init_seed for member in self.members})

    def orders(self) -> int:
        """The largest number of runs of one initialisation besides the first."""
        return max(len(self.of_init(seed)) for seed in self.init_seeds()) - 1

    def of_init(self, seed: int) -> list[ReleasedMember]:
        """The runs of an initialisation in the order of the config."""
        return [member for member in self.members if member.init_seed == seed]
