"""The section of a perceptron on summed embeddings."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from workflow_scripts.ticketlab.settings.base import Section


class Settings(Section):
    """One hidden ReLU layer on the sum of the inputs' embeddings (models/embedding_mlp.py)."""

    READS: ClassVar = ("symbols",)

    kind: Literal["embedding_mlp"]
    width: PositiveInt = Field(description="width of the embedding")
    hidden: PositiveInt = Field(description="hidden units")
