"""The comparison of a finished run with the published numbers: its verdicts, predictions, comparisons and clock.

    python -m workflow_scripts.tools.verify_reference [quick] [--record]

It compares results/ with docs/reference/, or results/quick/ with docs/reference/quick/, number by number and to the
last bit, and lists the differences; exit code 1 if there are any. Studies that were not run are left out. `--record`
adds a whole run's digests, under this processor's maker, to those that are known.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pyarrow as pa

from workflow_scripts import numerics
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.clock import CLOCK
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.predictions import PREDICTIONS
from workflow_scripts.ticketlab.tables.schemas.table import Table
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS

RESULTS, REFERENCE = Path("results"), Path("docs/reference")
NUMBERS = (VERDICTS, PREDICTIONS, COMPARISONS, CLOCK)
DIGESTS = "digests.json"
SHOWN = 20  # differences of a table that are listed


def read_run(results: Path) -> dict[str, pd.DataFrame]:
    """The tables of a finished run, by name.

    Raises TicketlabError if one is missing or damaged.
    """
    of_all_studies = (VERDICTS, PREDICTIONS, CLOCK)
    frames = {table.name: files.read(results / f"{table.name}.parquet", table) for table in of_all_studies}
    studies = frames["verdicts"]["study"].unique()
    frames["comparisons"] = pd.concat(
        [files.read(results / study / "comparisons.parquet", COMPARISONS) for study in studies], ignore_index=True
    )
    return frames


def as_text(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The rows in the order of their keys, each value as text that determines it to the last bit."""
    # Where a key does not apply, pandas has made floats of whole numbers.
    whole = {name: "Int64" for name, kind in table.columns.items() if pa.types.is_integer(kind)}
    ordered = frame[list(table.columns)].astype(whole).sort_values(list(table.unique)).reset_index(drop=True)
    return ordered.map(_text)


def _text(value: object) -> str:
    if pd.isna(value):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def digest(text: pd.DataFrame) -> str:
    """The sha256 of a table's numbers, which is that of its file in docs/reference."""
    return sha256(text.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def digests(frames: dict[str, pd.DataFrame]) -> dict[str, str]:
    return {table.name: digest(as_text(frames[table.name], table)) for table in NUMBERS}


def write(frames: dict[str, pd.DataFrame], reference: Path) -> None:
    """Write a run's numbers as the reference, and their digests as those of this processor's maker alone."""
    reference.mkdir(parents=True, exist_ok=True)
    for table in NUMBERS:
        text = as_text(frames[table.name], table).to_csv(index=False, lineterminator="\n")
        (reference / f"{table.name}.csv").write_text(text, encoding="utf-8")
    _write_digests(reference, {numerics.maker(): digests(frames)})


def record(frames: dict[str, pd.DataFrame], reference: Path) -> None:
    """Add this processor's digests to those that are known."""
    _write_digests(reference, known(reference) | {numerics.maker(): digests(frames)})


def known(reference: Path) -> dict[str, dict[str, str]]:
    """The digests of each table by maker of the processor."""
    return json.loads((reference / DIGESTS).read_text(encoding="utf-8"))


def _write_digests(reference: Path, by_maker: dict[str, dict[str, str]]) -> None:
    (reference / DIGESTS).write_text(json.dumps(by_maker, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def differences(here: pd.DataFrame, there: pd.DataFrame, table: Table) -> Iterator[str]:
    """A line for each row, as text and with the keys of `table`, that differs or that only one of the two has."""
    keys = list(table.unique)
    mine, theirs = (frame.set_index(keys) for frame in (here, there))
    for key in [*mine.index, *theirs.index.difference(mine.index)]:
        name = ", ".join(part for part in key if part)
        if key not in theirs.index:
            yield f"{name}: not in the reference"
        elif key not in mine.index:
            yield f"{name}: not in this run"
        else:
            one, other = mine.loc[key], theirs.loc[key]
            columns = [column for column in one.index if one[column] != other[column]]
            changed = [f"{column} {one[column]} ({other[column]})" for column in columns]
            if changed:
                yield f"{name}: {', '.join(changed)}"


def report(frames: dict[str, pd.DataFrame], reference: Path, mode: str) -> tuple[str, bool]:
    """The report on a run with the numerics `mode`, and whether all its numbers are the reference's.

    Raises TicketlabError if the reference has no such numbers.
    """
    studies = {study for frame in frames.values() for study in frame["study"]}
    lines, good, absent = [], True, set()
    for table in NUMBERS:
        path = reference / f"{table.name}.csv"
        if not path.is_file():
            raise TicketlabError(f"{path} does not exist: this run has no reference; there is one of quick and default")
        there = pd.read_csv(path, dtype=str, keep_default_na=False)
        left_out = set(there["study"]) - studies
        absent |= left_out
        here, there = as_text(frames[table.name], table), there[~there["study"].isin(left_out)]
        found = list(differences(here, there, table))
        good &= not found
        lines.append(
            f"{table.name}: {len(found)} of {len(here)} rows differ (here, and in brackets the reference):"
            if found
            else f"{table.name}: all {len(here)} rows are equal to the last bit; sha256 {digest(here)[:16]}"
        )
        lines += [f"  {line}" for line in found[:SHOWN]]
        lines += [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    lines += [f"Not in this run: {', '.join(sorted(absent))}."] if absent else []
    by_maker = known(reference)
    makers = " and ".join(sorted(by_maker))
    lines.append(f"The reference was made on {makers}, `portable`; this run on {numerics.maker()}, `{mode}`.")
    if digests(frames) == by_maker.get(numerics.maker()):
        lines.append("These are the digests that are recorded for this maker's processors.")
    elif not good and (numerics.maker() not in by_maker or mode != "portable"):
        lines.append("There the last digits may differ, and with them what is close to a bound (docs/operations.md).")
    return "\n".join(lines), good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overlay", nargs="?", default="", help="quick: results/quick and docs/reference/quick")
    parser.add_argument("--record", action="store_true", help="note this processor's digests")
    chosen = parser.parse_args()
    results, reference = RESULTS / chosen.overlay, REFERENCE / chosen.overlay
    try:
        frames = read_run(results)
        mode = files.facts(results / "verdicts.parquet", VERDICTS)["numerics"]
        text, good = report(frames, reference, mode)
    except TicketlabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(text)
    if chosen.record:
        record(frames, reference)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
