"""The section of a perceptron on summed embeddings."""

from typing import ClassVar, Literal

from pydantic import Field

from workflow_scripts.ticketlab.settings.base import Section, Width


class Settings(Section):
    """One hidden ReLU layer on the sum of the inputs' embeddings (models/embedding_mlp.py)."""

    READS: ClassVar = ("symbols",)
    COMPONENTS: ClassVar = "unit"
    WIDTHS: ClassVar = ("width", "hidden")

    kind: Literal["embedding_mlp"]
    width: Width = Field(description="width of the embedding")
    hidden: Width = Field(description="hidden units")
