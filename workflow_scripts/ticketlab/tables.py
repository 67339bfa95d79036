"""The Parquet contracts: what each table holds, one checked way to read it and one atomic way to write it.

Every row that concerns a network carries the KEYS. Each file's metadata names its table and version and says where it
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

from workflow_scripts.ticketlab.errors import TicketlabError

METADATA_KEY = b"ticketlab"
# What a damaged file makes pyarrow and json raise.
UNREADABLE = (pa.ArrowException, OSError, ValueError)

KEYS = {
    "study": pa.string(),
    "init_seed": pa.int32(),
    "data_seed": pa.int32(),
    "variant": pa.string(),
    "rewind_step": pa.int32(),
    "level": pa.int32(),
    "step": pa.int32(),
}


@dataclass(frozen=True)
class Table:
    """A contract: `columns` with their types, the columns that identify a row, and the rule that makes the table."""

    columns: dict[str, pa.DataType]
    unique: tuple[str, ...]
    rule: str
    version: int = 1

    @property
    def schema(self) -> pa.Schema:
        return pa.schema(list(self.columns.items()))


def _of_networks(unique: Sequence[str], rule: str, **columns: pa.DataType) -> Table:
    return Table({**KEYS, **columns}, (*KEYS, *unique), rule)


_COMPARISON = {"estimate": pa.float64(), "ci_low": pa.float64(), "ci_high": pa.float64(), "p": pa.float64()}

TABLES = {
    "data": Table(
        {
            "study": pa.string(),
            "split": pa.string(),
            "example": pa.int32(),
            "name": pa.string(),
            "tokens": pa.list_(pa.int32()),
            "features": pa.list_(pa.float32()),
            "target": pa.int32(),
        },
        ("study", "split", "example"),
        "prepare_data",
    ),
    "weights": _of_networks(
        ("slot", "tensor"),
        "init_seeds, train_dense, imp_round, retrain_tickets or train_spawned",
        slot=pa.string(),
        tensor=pa.string(),
        shape=pa.list_(pa.int32()),
        values=pa.list_(pa.float32()),
    ),
    "masks": _of_networks(
        ("tensor",),
        "imp_round, retrain_tickets or find_supermask",
        tensor=pa.string(),
        shape=pa.list_(pa.int32()),
        kept=pa.list_(pa.bool_()),
        density=pa.float64(),
    ),
    "metrics": _of_networks(
        ("split", "metric"),
        "train_dense, imp_round, retrain_tickets, find_supermask or train_spawned",
        density=pa.float64(),
        split=pa.string(),
        metric=pa.string(),
        value=pa.float64(),
    ),
    "llc_draws": _of_networks(
        ("chain", "draw"),
        "estimate_llc",
        chain=pa.int32(),
        draw=pa.int32(),
        loss=pa.float32(),
        baseline=pa.float32(),
    ),
    "llc": _of_networks(
        (),
        "estimate_llc",
        llc=pa.float64(),
        se=pa.float64(),
        rhat=pa.float64(),
        ess=pa.float64(),
        init_loss=pa.float64(),
        parameters=pa.int32(),
        nbeta=pa.float64(),
        lr=pa.float64(),
        localization=pa.float64(),
        flag=pa.string(),
    ),
    # The same at other settings than the study's own (llc_sweep.py).
    "llc_sweep": _of_networks(
        ("varied", "value"),
        "sweep_llc",
        varied=pa.string(),
        value=pa.float64(),
        llc=pa.float64(),
        se=pa.float64(),
        flag=pa.string(),
    ),
    "roles": _of_networks(
        ("probe", "layer", "kind", "component", "score"),
        "score_roles",
        probe=pa.int32(),
        layer=pa.int32(),
        kind=pa.string(),
        component=pa.int32(),
        score=pa.string(),
        value=pa.float64(),
    ),
    "agreement": Table(
        {
            "study": pa.string(),
            "split_step": pa.int32(),
            "pair": pa.string(),
            "init_seed": pa.int32(),
            "other_init_seed": pa.int32(),
            "data_seed": pa.int32(),
            "other_data_seed": pa.int32(),
            "matching": pa.string(),
            "score": pa.string(),
            "agreement": pa.float64(),
        },
        (
            "study",
            "split_step",
            "pair",
            "init_seed",
            "other_init_seed",
            "data_seed",
            "other_data_seed",
            "matching",
            "score",
        ),
        "compare_roles",
    ),
    "structure": _of_networks(
        ("structure",),
        "trace_structure",
        structure=pa.string(),
        distance=pa.float64(),
        reference_floor=pa.float64(),
    ),
    "overlap": _of_networks(
        ("reference", "tensor"),
        "trace_masks or compare_masks",
        reference=pa.string(),
        tensor=pa.string(),
        jaccard=pa.float64(),
        chance=pa.float64(),
        excess=pa.float64(),
        given_initial=pa.float64(),
        beyond_initial=pa.float64(),
    ),
    # One check of an instrument against a ground truth (calibration.py).
    "calibration": Table(
        {
            "instrument": pa.string(),
            "family": pa.string(),
            "case": pa.string(),
            "widths": pa.list_(pa.int32()),
            "rank": pa.int32(),
            "quantity": pa.string(),
            "x": pa.float64(),
            "truth": pa.float64(),
            "estimate": pa.float64(),
            "ci_low": pa.float64(),
            "ci_high": pa.float64(),
            "tolerance": pa.float64(),
            "n": pa.int32(),
            "flag": pa.string(),
            "required": pa.bool_(),
            "passed": pa.bool_(),
        },
        ("instrument", "family", "case", "quantity", "x"),
        "calibrate",
    ),
    "comparisons": Table(
        {
            "study": pa.string(),
            "test": pa.string(),
            "rewind_step": pa.int32(),
            "level": pa.int32(),
            "density": pa.float64(),
            "step": pa.int32(),
            "quantity": pa.string(),
            "contrast": pa.string(),
            **_COMPARISON,
            "n": pa.int32(),
        },
        ("study", "test", "rewind_step", "level", "step", "quantity", "contrast"),
        "summarise",
    ),
    "verdicts": Table(
        {
            "study": pa.string(),
            "test": pa.string(),
            "claim": pa.string(),
            **_COMPARISON,
            "n": pa.int32(),
            "margin": pa.float64(),
            "detectable": pa.float64(),
            "decision": pa.string(),
            "reason": pa.string(),
        },
        ("study", "test", "claim"),
        "judge",
    ),
    "predictions": Table(
        {
            "study": pa.string(),
            "prediction": pa.string(),
            "quantity": pa.string(),
            "dose": pa.float64(),
            "ci_low": pa.float64(),
            "ci_high": pa.float64(),
            "n": pa.int32(),
            "sign_if_latent": pa.string(),
            "sign_if_built": pa.string(),
            "verdict": pa.string(),
            "reason": pa.string(),
            "figure": pa.string(),
        },
        ("study", "prediction", "quantity"),
        "predict",
    ),
}


def write(path: str | Path, name: str, frame: pd.DataFrame, provenance: dict, **facts: object) -> None:
    """Write `frame` as table `name`, atomically. `facts` (JSON-like) are kept in the metadata.

    Raises TicketlabError if columns are missing or unknown, or if two rows have the same keys.
    """
    contract = TABLES[name]
    if set(frame.columns) != set(contract.columns):
        wrong = sorted(set(frame.columns) ^ set(contract.columns))
        raise TicketlabError(f"{path}: table {name} has the wrong columns, see {', '.join(wrong)}; mend the script")
    repeated = frame.duplicated(list(contract.unique))
    if repeated.any():
        row = frame.loc[repeated, list(contract.unique)].iloc[0].to_dict()
        raise TicketlabError(f"{path}: table {name} has two rows for {row}; mend the script")
    table = pa.Table.from_pandas(frame[list(contract.columns)], schema=contract.schema, preserve_index=False)
    with _replacing(path) as temporary:
        content = table.replace_schema_metadata(_metadata(name, provenance, facts))
        pq.write_table(content, temporary, compression="zstd", write_page_checksum=True)


def read(path: str | Path, name: str) -> pd.DataFrame:
    """The rows of table `name` in this file.

    Raises TicketlabError, naming the file, the fault and the rule that makes it, if the file is missing, truncated,
    not Parquet, another table, another version, or has other columns.
    """
    _check(path, name)
    return _load(path, name).to_pandas()


def read_many(paths: Iterable[str | Path], name: str) -> pd.DataFrame:
    """The rows of several files of one table, in this order."""
    return pd.concat([read(path, name) for path in paths], ignore_index=True)


def facts(path: str | Path, name: str) -> dict:
    """The facts and the provenance in the file's metadata."""
    return _check(path, name)


class StackWriter:
    """Writes a `weights` or `masks` table, one row group per call of `add`, so that one step can be read alone."""

    def __init__(self, path: str | Path, name: str, provenance: dict):
        self._file = pq.ParquetWriter(
            path,
            TABLES[name].schema.with_metadata(_metadata(name, provenance, {})),
            compression="zstd",
            use_dictionary=[key for key in TABLES[name].columns if key not in ("values", "kept", "shape")],
            use_byte_stream_split=["values.list.element"] if name == "weights" else False,
            write_page_checksum=True,
        )
        self.name = name
        self._written: set[tuple] = set()

    def add(self, study: str, step: int, keys: Sequence[dict], tensors: Mapping[tuple[str, ...], np.ndarray]) -> None:
        """Add networks at one step.

        keys: of each network (Member.keys()).
        tensors: (N, *shape) by (slot, tensor) for weights, by (tensor,) for masks.
        Raises TicketlabError if the file already holds one of these rows.
        """
        rows = [(step, *network.values(), *label) for network in keys for label in tensors]
        if len(set(rows)) < len(rows) or not self._written.isdisjoint(rows):
            raise TicketlabError(f"table {self.name} would have two rows for a network at step {step}; mend the script")
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
        if self.name == "weights":
            columns["slot"] = [label[0]] * count
            columns["values"] = pa.ListArray.from_arrays(offsets, pa.array(flat.reshape(-1), pa.float32()))
        else:
            columns["density"] = flat.mean(axis=1).tolist()
            columns["kept"] = pa.ListArray.from_arrays(offsets, pa.array(flat.reshape(-1).astype(bool)))
        schema = TABLES[self.name].schema
        return pa.table({field.name: columns[field.name] for field in schema}, schema=schema)

    def close(self) -> None:
        self._file.close()


@contextmanager
def writing(path: str | Path, name: str, provenance: dict) -> Iterator[StackWriter]:
    """A StackWriter whose file appears at `path` only when the block ends well."""
    with _replacing(path) as temporary:
        writer = StackWriter(temporary, name, provenance)
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


def steps(path: str | Path, name: str) -> list[int]:
    """The steps that a `weights` or `masks` file holds."""
    _check(path, name)
    return sorted(set(_load(path, name, columns=["step"])["step"].to_pylist()))


def read_stack(path: str | Path, name: str, step: int, slots: Sequence[str] = ("weight",)) -> Snapshot:
    """The networks that a `weights` (these slots) or `masks` file holds at `step`, in the order of writing.

    Raises TicketlabError if the file holds no such step or slot.
    """
    _check(path, name)
    filters = [("step", "=", step)] + ([("slot", "in", list(slots))] if name == "weights" else [])
    table = _load(path, name, filters=filters)
    label_columns = ["slot", "tensor"] if name == "weights" else ["tensor"]
    labels = list(zip(*(table[column].to_pylist() for column in label_columns), strict=True))
    if not labels or (name == "weights" and {label[0] for label in labels} != set(slots)):
        raise TicketlabError(f"{path}: no {' and '.join(slots)} at step {step}; it holds steps {steps(path, name)}")
    member_keys = [key for key in KEYS if key not in ("study", "step")]
    networks = list(zip(*(table[key].to_pylist() for key in member_keys), strict=True))
    values = table["values" if name == "weights" else "kept"].combine_chunks()
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
            raise _broken(path, name, f"does not hold {' '.join(label)} of each of its networks at step {step}")
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


def _metadata(name: str, provenance: dict, facts: dict) -> dict[bytes, bytes]:
    content = {"table": name, "version": TABLES[name].version, **provenance, **facts}
    return {METADATA_KEY: json.dumps(content, sort_keys=True).encode()}


def _load(path: str | Path, name: str, **options: object) -> pa.Table:
    try:
        # Checksums find a flipped bit that would otherwise be read as another number.
        if "filters" in options:
            return pq.read_table(path, page_checksum_verification=True, **options)
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(**options)
    except UNREADABLE as error:
        raise _broken(path, name, f"cannot be read ({_first_line(error)})") from error


def _check(path: str | Path, name: str) -> dict:
    """The metadata of a file, once it is known to be a whole file of table `name`."""
    if not Path(path).is_file():
        raise _broken(path, name, "does not exist")
    try:
        schema = pq.read_schema(path)
        content = json.loads((schema.metadata or {}).get(METADATA_KEY, b"{}"))
    except UNREADABLE as error:
        raise _broken(path, name, f"is not a whole Parquet file ({_first_line(error)})") from error
    if content.get("table") != name:
        raise _broken(
            path, name, f"is {'table ' + content['table'] if 'table' in content else 'not one of our tables'}"
        )
    if content.get("version") != TABLES[name].version:
        raise _broken(path, name, f"is version {content.get('version')}, not {TABLES[name].version}")
    if schema.remove_metadata() != TABLES[name].schema:
        wrong = sorted({f"{field.name}: {field.type}" for field in {*schema} ^ {*TABLES[name].schema}})
        raise _broken(path, name, f"has other columns ({', '.join(wrong)})")
    return content


def _broken(path: str | Path, name: str, fault: str) -> TicketlabError:
    return TicketlabError(
        f"{path} {fault}; expected table {name}: delete the file and run again, {TABLES[name].rule} makes it"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
