"""The section of a decoder of the transformers library."""

from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section


class Settings(Section):
    """A decoder of transformers, trained from random weights (models/huggingface.py). Further keys are its config's."""

    model_config = ConfigDict(extra="allow")

    READS: ClassVar = ("symbols in sequence",)
    COMPONENTS: ClassVar = "head"
    WIDTHS: ClassVar = ("hidden_size", "intermediate_size", "head_dim", "n_embd", "n_inner", "ffn_dim")

    kind: Literal["huggingface"]
    architecture: str = Field(
        min_length=1,
        description="transformers' model_type, e.g. gpt_neox, gpt2 or llama; further keys are its config's",
    )
    prune_embeddings: bool = Field(
        False, description="whether pruning may touch the embeddings, and an output map that is tied to them"
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        """Every key is allowed here: the architecture's own config refuses those that it does not have."""
        return values
