"""The section that says which network a study trains: one of the kinds, each in a file of its own."""

from typing import Annotated

from pydantic import Field

from workflow_scripts.ticketlab.settings.embedding_mlp import EmbeddingMLPSettings
from workflow_scripts.ticketlab.settings.mlp import MLPSettings
from workflow_scripts.ticketlab.settings.transformer import TransformerSettings

ModelSettings = Annotated[TransformerSettings | MLPSettings | EmbeddingMLPSettings, Field(discriminator="kind")]
