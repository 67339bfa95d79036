"""The base of every config section, which refuses unknown keys and wrong types and never changes, and shares."""

from collections.abc import Sequence
from reprlib import Repr
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]
Width = Annotated[int, Field(gt=0, le=100_000)]  # of a layer; a typing error should not fill the memory

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
            shown = ", ".join(f"{key!r} (it is {show(values[key])})" for key in unknown)
            raise ValueError(f"no key {shown}; there are {', '.join(cls.model_fields)}")
        return values

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, values: Any) -> Any:
        """Take "1e-3" for a number where one belongs: YAML 1.1 reads it as text, and so does a command line."""
        if not isinstance(values, dict):
            return values
        floats = {key for key, field in cls.model_fields.items() if "float" in str(field.annotation)}
        return {key: _number(value) if key in floats else value for key, value in values.items()}


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(each) for each in value]
    if isinstance(value, dict):
        return {key: _number(each) for key, each in value.items()}
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def show(value: Any) -> str:
    """A value in a message: its beginning, since references within YAML can make it longer than any memory."""
    shown = Repr()
    shown.maxlevel, shown.maxlist, shown.maxstring, shown.maxother = 3, 8, 200, 200
    return shown.repr(value)


def refuse_repeats(**lists: Sequence) -> None:
    """Raises ValueError if one of these lists (named by its key) holds a value twice."""
    for name, values in lists.items():
        if len(set(values)) != len(values):
            raise ValueError(f"{name} repeats a value: {list(values)}")
