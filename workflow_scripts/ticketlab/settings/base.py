"""The base of every config section, which refuses unknown keys and wrong types and never changes, and shares."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]

# The kinds of inputs that a task has and a model can read: (batch, features) float32; (batch, symbols) int64, in any
# order; (batch, time, features) float32; (batch, time) int64.
Inputs = Literal["features", "symbols", "features in sequence", "symbols in sequence"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        """Refuse unknown keys as `extra="forbid"` does, but list the known ones."""
        unknown = [key for key in values if key not in cls.model_fields] if isinstance(values, dict) else []
        if unknown:
            shown = ", ".join(f"{key!r} (it is {values[key]!r})" for key in unknown)
            raise ValueError(f"no key {shown}; there are {', '.join(cls.model_fields)}")
        return values


def refuse_repeats(**lists: Sequence) -> None:
    """Raises ValueError if one of these lists (named by its key) holds a value twice."""
    for name, values in lists.items():
        if len(set(values)) != len(values):
            raise ValueError(f"{name} repeats a value: {list(values)}")
