"""The form of every table's contract; one module per kind, so an edit of one table leaves other results fresh."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

# Every row that concerns a network carries these.
KEYS = {
    "study": pa.string(),
    "init_seed": pa.int32(),
    "data_seed": pa.int32(),
    "variant": pa.string(),
    "rewind_step": pa.int32(),
    "level": pa.int32(),
    "step": pa.int32(),
}
# An estimate, in the columns of every table of results.
INTERVAL = {"estimate": pa.float64(), "ci_low": pa.float64(), "ci_high": pa.float64()}


@dataclass(frozen=True)
class Table:
    """A contract: `columns` with their types, the columns that identify a row, and the rule that makes the table."""

    name: str
    columns: dict[str, pa.DataType]
    unique: tuple[str, ...]
    rule: str
    version: int = 1

    @property
    def schema(self) -> pa.Schema:
        return pa.schema(list(self.columns.items()))


def of_networks(name: str, unique: Sequence[str], rule: str, **columns: pa.DataType) -> Table:
    """A table whose rows each concern one network."""
    return Table(name, {**KEYS, **columns}, (*KEYS, *unique), rule)
