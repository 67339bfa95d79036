"""The section of a network of the user's own, in a file of its own."""

from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from workflow_scripts.ticketlab.settings.base import Section


class Settings(Section):
    """A user's own network, a class in a file outside the package (models/module.py). Further keys are its own.

    What it reads and its kind of component stand in the class, which is looked at before the first job
    (preflight/tensors.py).
    """

    model_config = ConfigDict(extra="allow", serialize_by_alias=True)

    READS: ClassVar = ("features", "symbols", "features in sequence", "symbols in sequence")
    COMPONENTS: ClassVar = "any"
    WIDTHS: ClassVar = ()

    kind: Literal["module"]
    path: str = Field(min_length=1, description="the Python file, seen from the folder of the run")
    class_: str = Field(alias="class", min_length=1, description="the class' name; further keys are its arguments")

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        """Every key is allowed here: the class refuses those that it does not have."""
        return values
