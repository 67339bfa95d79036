"""The settings of the compression experiment: how few weights, and how few bits, a network can do with."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from workflow_scripts.ticketlab.settings.base import Section


class CompressionSettings(Section):
    """The dense networks at the checkpoints of `llc`, with their smallest weights at 0, or all weights rounded."""

    rise: PositiveFloat = Field(0.05, description="nats by which the mean loss may rise")
    examples: PositiveInt = Field(128, description="training examples over which the loss is the mean")
    finest: Annotated[int, Field(ge=2, description="steps from 0 to a tensor's largest weight, at most")] = 512
    least_checkpoints: Annotated[int, Field(ge=3)] = Field(
        3, description="with estimates of λ̂ that can be shown at fewer steps, a study has no correlation"
    )
    control: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.9, description="correlation of bits with λ̂ from which the positive control holds; published R² is .98"
    )
