"""Stacks of networks as tables: written network by network, read back as arrays."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables.files import broken_file, check_file, file_metadata, load_file, replacing
from workflow_scripts.ticketlab.tables.schemas.networks import WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.table import KEYS, Table


class StackWriter:
    """Writes a `weights` or `masks` table, one row group per call of `add`, so that one step can be read alone."""

    def __init__(self, path: str | Path, contract: Table, provenance: dict):
        self._file = pq.ParquetWriter(
            path,
            contract.schema.with_metadata(file_metadata(contract, provenance, {})),
            compression="zstd",
            use_dictionary=[key for key in contract.columns if key not in ("values", "kept", "shape")],
            use_byte_stream_split=["values.list.element"] if contract == WEIGHTS else False,
            write_page_checksum=True,
        )
        self.contract = contract
        self._written: set[tuple] = set()

    def add(self, study: str, step: int, keys: Sequence[dict], tensors: Mapping[tuple[str, ...], np.ndarray]) -> None:
        """Add networks at one step.

        keys: the keys of each network (Member.keys()).
        tensors: (N, *shape) by (slot, tensor) for weights, by (tensor,) for masks.
        Raises TicketlabError if the file already holds one of these rows.
        """
        rows = [(step, *network.values(), *label) for network in keys for label in tensors]
        if len(set(rows)) < len(rows) or not self._written.isdisjoint(rows):
            raise TicketlabError(
                f"table {self.contract.name} would have two rows for a network at step {step}; fix the script"
            )
        self._written.update(rows)
        parts = [self._rows(study, step, keys, label, array) for label, array in tensors.items()]
        self._file.write_table(pa.concat_tables(parts), row_group_size=1 << 30)

    def _rows(self, study: str, step: int, keys: Sequence[dict], label: tuple[str, ...], array: np.ndarray) -> pa.Table:
        count, shape = len(keys), array.shape[1:]
        flat = np.ascontiguousarray(array).reshape(count, -1)
        offsets = pa.array(np.arange(count + 1, dtype=np.int32) * np.int32(flat.shape[1]))
        columns = {"study": [study] * count, "step": [step] * count, "tensor": [label[-1]] * count}
        columns |= {key: [row[key] for row in keys] for key in keys[0]}
        columns["shape"] = [list(shape)] * count
        if self.contract == WEIGHTS:
            columns["slot"] = [label[0]] * count
            columns["values"] = pa.ListArray.from_arrays(offsets, pa.array(flat.reshape(-1), pa.float32()))
        else:
            columns["density"] = flat.mean(axis=1).tolist()
            columns["kept"] = pa.ListArray.from_arrays(offsets, pa.array(flat.reshape(-1).astype(bool)))
        schema = self.contract.schema
        return pa.table({field.name: columns[field.name] for field in schema}, schema=schema)

    def close(self) -> None:
        self._file.close()


@contextmanager
def writing(path: str | Path, contract: Table, provenance: dict) -> Iterator[StackWriter]:
    """A StackWriter whose file appears at `path` only when the block ends well."""
    with replacing(path) as temporary:
        writer = StackWriter(temporary, contract, provenance)
        try:
            yield writer
        finally:
            writer.close()


@dataclass(frozen=True)
class Snapshot:
    """Networks at one step, read from a file: `tensors` (N, *shape) by label, `keys` of each of the N networks."""

    step: int
    keys: list[dict]
    tensors: dict[tuple[str, ...], np.ndarray]


def steps(path: str | Path, contract: Table) -> list[int]:
    """The steps that a `weights` or `masks` file holds."""
    check_file(path, contract)
    return sorted(set(load_file(path, contract, columns=["step"])["step"].to_pylist()))


def read_stack(path: str | Path, contract: Table, step: int, slots: Sequence[str] = ("weight",)) -> Snapshot:
    """The networks that a `weights` (these slots) or `masks` file holds at `step`, in the order of writing.

    Raises TicketlabError if the file holds no such step or slot.
    """
    check_file(path, contract)
    filters = [("step", "=", step)] + ([("slot", "in", list(slots))] if contract == WEIGHTS else [])
    table = load_file(path, contract, filters=filters)
    label_columns = ["slot", "tensor"] if contract == WEIGHTS else ["tensor"]
    labels = list(zip(*(table[column].to_pylist() for column in label_columns), strict=True))
    if not labels or (contract == WEIGHTS and {label[0] for label in labels} != set(slots)):
        raise TicketlabError(f"{path}: no {' and '.join(slots)} at step {step}; it holds steps {steps(path, contract)}")
    member_keys = [key for key in KEYS if key not in ("study", "step")]
    networks = list(zip(*(table[key].to_pylist() for key in member_keys), strict=True))
    values = table["values" if contract == WEIGHTS else "kept"].combine_chunks()
    flat = values.flatten().to_numpy(zero_copy_only=False)
    offsets = values.offsets.to_numpy() - values.offsets[0].as_py()
    shapes = table["shape"].to_pylist()
    rows: dict[tuple[str, ...], list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    order = [networks[row] for row in rows[labels[0]]]
    tensors = {}
    for label, mine in rows.items():
        if [networks[row] for row in mine] != order:
            raise broken_file(path, contract, f"does not hold {' '.join(label)} of each of its networks at step {step}")
        parts = [flat[offsets[row] : offsets[row + 1]] for row in mine]
        tensors[label] = np.concatenate(parts).reshape(len(mine), *shapes[mine[0]])
    return Snapshot(step, [dict(zip(member_keys, network, strict=True)) for network in order], tensors)
