"""Parquet tables that keep to their contract: one checked way to read them and one atomic way to write them.

What a table holds stands in contracts/. Each file's metadata names its table and version and says where it
came from (config section, code, packages). Nothing in a file depends on the clock, the host or a path, so the same
config and lock file give the same bytes.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.ticketlab.contracts import KEYS, Table
from workflow_scripts.ticketlab.contracts.networks import WEIGHTS
from workflow_scripts.ticketlab.errors import TicketlabError

METADATA_KEY = b"ticketlab"
# What a damaged file makes pyarrow and json raise.
UNREADABLE = (pa.ArrowException, OSError, ValueError)


def write(path: str | Path, contract: Table, frame: pd.DataFrame, provenance: dict, **facts: object) -> None:
    """Write `frame` as its table, atomically. `facts` (JSON-like) are kept in the metadata.

    Raises TicketlabError if columns are missing or unknown, or if two rows have the same keys.
    """
    if set(frame.columns) != set(contract.columns):
        wrong = sorted(set(frame.columns) ^ set(contract.columns))
        raise TicketlabError(
            f"{path}: table {contract.name} has the wrong columns, see {', '.join(wrong)}; mend the script"
        )
    repeated = frame.duplicated(list(contract.unique))
    if repeated.any():
        row = frame.loc[repeated, list(contract.unique)].iloc[0].to_dict()
        raise TicketlabError(f"{path}: table {contract.name} has two rows for {row}; mend the script")
    table = pa.Table.from_pandas(frame[list(contract.columns)], schema=contract.schema, preserve_index=False)
    with _replacing(path) as temporary:
        content = table.replace_schema_metadata(_metadata(contract, provenance, facts))
        pq.write_table(content, temporary, compression="zstd", write_page_checksum=True)


def read(path: str | Path, contract: Table) -> pd.DataFrame:
    """The rows of its table in this file.

    Raises TicketlabError, naming the file, the fault and the rule that makes it, if the file is missing, truncated,
    not Parquet, another table, another version, or has other columns.
    """
    _check(path, contract)
    return _load(path, contract).to_pandas()


def read_many(paths: Iterable[str | Path], contract: Table) -> pd.DataFrame:
    """The rows of several files of one table, in this order."""
    return pd.concat([read(path, contract) for path in paths], ignore_index=True)


def facts(path: str | Path, contract: Table) -> dict:
    """The facts and the provenance in the file's metadata."""
    return _check(path, contract)


class StackWriter:
    """Writes a `weights` or `masks` table, one row group per call of `add`, so that one step can be read alone."""

    def __init__(self, path: str | Path, contract: Table, provenance: dict):
        self._file = pq.ParquetWriter(
            path,
            contract.schema.with_metadata(_metadata(contract, provenance, {})),
            compression="zstd",
            use_dictionary=[key for key in contract.columns if key not in ("values", "kept", "shape")],
            use_byte_stream_split=["values.list.element"] if contract == WEIGHTS else False,
            write_page_checksum=True,
        )
        self.contract = contract
        self._written: set[tuple] = set()

    def add(self, study: str, step: int, keys: Sequence[dict], tensors: Mapping[tuple[str, ...], np.ndarray]) -> None:
        """Add networks at one step.

        keys: of each network (Member.keys()).
        tensors: (N, *shape) by (slot, tensor) for weights, by (tensor,) for masks.
        Raises TicketlabError if the file already holds one of these rows.
        """
        rows = [(step, *network.values(), *label) for network in keys for label in tensors]
        if len(set(rows)) < len(rows) or not self._written.isdisjoint(rows):
            raise TicketlabError(
                f"table {self.contract.name} would have two rows for a network at step {step}; mend the script"
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
    with _replacing(path) as temporary:
        writer = StackWriter(temporary, contract, provenance)
        try:
            yield writer
        finally:
            writer.close()


@dataclass(frozen=True)
class Snapshot:
    """Networks at one step as read from a file: `tensors` (N, *shape) by label, `keys` of each of the N networks."""

    step: int
    keys: list[dict]
    tensors: dict[tuple[str, ...], np.ndarray]


def steps(path: str | Path, contract: Table) -> list[int]:
    """The steps that a `weights` or `masks` file holds."""
    _check(path, contract)
    return sorted(set(_load(path, contract, columns=["step"])["step"].to_pylist()))


def read_stack(path: str | Path, contract: Table, step: int, slots: Sequence[str] = ("weight",)) -> Snapshot:
    """The networks that a `weights` (these slots) or `masks` file holds at `step`, in the order of writing.

    Raises TicketlabError if the file holds no such step or slot.
    """
    _check(path, contract)
    filters = [("step", "=", step)] + ([("slot", "in", list(slots))] if contract == WEIGHTS else [])
    table = _load(path, contract, filters=filters)
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
            raise _broken(path, contract, f"does not hold {' '.join(label)} of each of its networks at step {step}")
        parts = [flat[offsets[row] : offsets[row + 1]] for row in mine]
        tensors[label] = np.concatenate(parts).reshape(len(mine), *shapes[mine[0]])
    return Snapshot(step, [dict(zip(member_keys, network, strict=True)) for network in order], tensors)


@contextmanager
def _replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well and is removed when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _metadata(contract: Table, provenance: dict, facts: dict) -> dict[bytes, bytes]:
    content = {"table": contract.name, "version": contract.version, **provenance, **facts}
    return {METADATA_KEY: json.dumps(content, sort_keys=True).encode()}


def _load(path: str | Path, contract: Table, **options: object) -> pa.Table:
    try:
        # Checksums find a flipped bit that would otherwise be read as another number.
        if "filters" in options:
            return pq.read_table(path, page_checksum_verification=True, **options)
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(**options)
    except UNREADABLE as error:
        raise _broken(path, contract, f"cannot be read ({_first_line(error)})") from error


def _check(path: str | Path, contract: Table) -> dict:
    """The metadata of a file, once it is known to be a whole file of its table."""
    if not Path(path).is_file():
        raise _broken(path, contract, "does not exist")
    try:
        schema = pq.read_schema(path)
        content = json.loads((schema.metadata or {}).get(METADATA_KEY, b"{}"))
    except UNREADABLE as error:
        raise _broken(path, contract, f"is not a whole Parquet file ({_first_line(error)})") from error
    if content.get("table") != contract.name:
        raise _broken(
            path, contract, f"is {'table ' + content['table'] if 'table' in content else 'not one of our tables'}"
        )
    if content.get("version") != contract.version:
        raise _broken(path, contract, f"is version {content.get('version')}, not {contract.version}")
    if schema.remove_metadata() != contract.schema:
        wrong = sorted({f"{field.name}: {field.type}" for field in {*schema} ^ {*contract.schema}})
        raise _broken(path, contract, f"has other columns ({', '.join(wrong)})")
    return content


def _broken(path: str | Path, contract: Table, fault: str) -> TicketlabError:
    return TicketlabError(
        f"{path} {fault}; expected table {contract.name}: delete the file and run again, {contract.rule} makes it"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
