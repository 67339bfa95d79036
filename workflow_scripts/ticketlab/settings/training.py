"""The training recipe of a study's networks."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from workflow_scripts.ticketlab.settings.base import Section


class TrainingSettings(Section):
    """One recipe for the dense network, its tickets and all controls."""

    optimiser: Literal["adamw", "sgd"] = "adamw"
    learning_rate: PositiveFloat
    betas: Annotated[list[Annotated[float, Field(ge=0, lt=1)]], Field(min_length=2, max_length=2)] = Field(
        default=[0.9, 0.99]
    )
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: NonNegativeFloat = 0.0
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup: NonNegativeInt = 0
    batch_size: PositiveInt
    sampling: Literal["epochs", "replacement"] | None = Field(
        default=None,
        description="epochs: a finite training set is gone through in a random order, then again in another; "
        "replacement: every batch is drawn from all of it; null: epochs, or new data at every step where it is endless",
    )
    steps: PositiveInt
