"""Parquet tables that keep to their contract: one checked way to read them and one atomic way to write them.

The contracts are in tables/schemas/. Each file's metadata names its table, its version and its origin (config section,
code, packages). Nothing in a file depends on the clock, the host or a path, so the same config and lock file give the
same bytes.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables.schemas.table import Table

METADATA_KEY = b"ticketlab"
# The errors that pyarrow and json raise on a damaged file.
UNREADABLE = (pa.ArrowException, OSError, ValueError)


def write(path: str | Path, contract: Table, frame: pd.DataFrame, provenance: dict, **facts: object) -> None:
    """Write `frame` as its table, atomically. `facts` (JSON-like) are kept in the metadata.

    Raises TicketlabError if columns are missing or unknown, or if two rows have the same keys.
    """
    if set(frame.columns) != set(contract.columns):
        wrong = sorted(set(frame.columns) ^ set(contract.columns))
        raise TicketlabError(
            f"{path}: table {contract.name} has the wrong columns, see {', '.join(wrong)}; fix the script"
        )
    repeated = frame.duplicated(list(contract.unique))
    if repeated.any():
        row = frame.loc[repeated, list(contract.unique)].iloc[0].to_dict()
        raise TicketlabError(f"{path}: table {contract.name} has two rows for {row}; fix the script")
    table = pa.Table.from_pandas(frame[list(contract.columns)], schema=contract.schema, preserve_index=False)
    with replacing(path) as temporary:
        content = table.replace_schema_metadata(file_metadata(contract, provenance, facts))
        pq.write_table(content, temporary, compression="zstd", write_page_checksum=True)


def read(path: str | Path, contract: Table) -> pd.DataFrame:
    """The rows of this file of the contract's table.

    Raises TicketlabError, naming the file, the fault and the rule that makes it, if the file is missing, truncated,
    not Parquet, another table, another version, or has other columns.
    """
    check_file(path, contract)
    return load_file(path, contract).to_pandas()


def read_many(paths: Iterable[str | Path], contract: Table) -> pd.DataFrame:
    """The rows of several files of one table, in this order; of no file no rows."""
    found = [read(path, contract) for path in paths] or [contract.schema.empty_table().to_pandas()]
    return pd.concat(found, ignore_index=True)


def facts(path: str | Path, contract: Table) -> dict:
    """The facts and the provenance in the file's metadata."""
    return check_file(path, contract)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path next to `path`, which replaces it when the block ends well and is removed when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def file_metadata(contract: Table, provenance: dict, facts: dict) -> dict[bytes, bytes]:
    content = {"table": contract.name, "version": contract.version, **provenance, **facts}
    return {METADATA_KEY: json.dumps(content, sort_keys=True).encode()}


def load_file(path: str | Path, contract: Table, **options: object) -> pa.Table:
    try:
        # Checksums find a flipped bit that would otherwise be read as another number.
        if "filters" in options:
            return pq.read_table(path, page_checksum_verification=True, **options)
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(**options)
    except UNREADABLE as error:
        raise broken_file(path, contract, f"cannot be read ({_first_line(error)})") from error


def check_file(path: str | Path, contract: Table) -> dict:
    """The metadata of a file, after a check that it is a whole file of the contract's table."""
    if not Path(path).is_file():
        raise broken_file(path, contract, "does not exist")
    try:
        schema = pq.read_schema(path)
        content = json.loads((schema.metadata or {}).get(METADATA_KEY, b"{}"))
    except UNREADABLE as error:
        raise broken_file(path, contract, f"is not a whole Parquet file ({_first_line(error)})") from error
    if content.get("table") != contract.name:
        raise broken_file(
            path, contract, f"is {'table ' + content['table'] if 'table' in content else 'not one of our tables'}"
        )
    if content.get("version") != contract.version:
        raise broken_file(path, contract, f"is version {content.get('version')}, not {contract.version}")
    if schema.remove_metadata() != contract.schema:
        wrong = sorted({f"{field.name}: {field.type}" for field in {*schema} ^ {*contract.schema}})
        raise broken_file(path, contract, f"has other columns ({', '.join(wrong)})")
    return content


def broken_file(path: str | Path, contract: Table, fault: str) -> TicketlabError:
    return TicketlabError(
        f"{path} {fault}; expected table {contract.name}: delete the file and run again, {contract.rule} makes it"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
