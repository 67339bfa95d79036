"""docs/results.md and the answer in README.md, filled in from the tables in docs/reference/.

    python -m workflow_scripts.tools.results_page

Two templates in docs/templates/ hold the sentences. Every number of a result is an expression over the tables, and
every sentence follows from the decisions in them, so that a later run with other numbers or decisions leaves no
sentence untrue. `make reference` calls this after it has stored a default run's tables.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, takewhile
from pathlib import Path
from textwrap import fill
from typing import Any

import jinja2
import pandas as pd
import pyarrow as pa
import yaml

from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.core.readings import NOT_MEASURED
from workflow_scripts.ticketlab.core.readings import VERDICTS as READINGS
from workflow_scripts.ticketlab.report import words
from workflow_scripts.ticketlab.report.figures import style
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.supermask import init_and_width
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.tables.schemas.table import Table
from workflow_scripts.ticketlab.verdicts import clock, kinds
from workflow_scripts.ticketlab.verdicts.comparisons import BEST_RATES, DECISIVE_CONTROLS, STRUCTURE, TICKETS
from workflow_scripts.ticketlab.verdicts.predictions import TITLES, WITHOUT_A_SIDE
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, VERDICTS
from workflow_scripts.ticketlab.verdicts.tickets import PROCEDURES, WINNING
from workflow_scripts.tools import answer_figure
from workflow_scripts.tools.verify_reference import NUMBERS

ROOT = Path(__file__).parents[2]
REFERENCE, TEMPLATES = ROOT / "docs/reference", ROOT / "docs/templates"
README, PAGE = ROOT / "README.md", ROOT / "docs/results.md"
BEGIN, END = "<!-- answer: filled in by make reference -->", "<!-- end of the answer -->"
WIDTH = 120
Row = dict[str, Any]

# The quantities of the clock whose order the page compares: what of `clock`, in words.
LANDMARKS = {
    (clock.BARRIER, None): "connected",
    (clock.ROLES, None): "roles",
    (clock.SPLIT_MASK, None): "final weights",
    (clock.MASK, "final_magnitude"): "own mask",
    (clock.LLC, clock.RISES): "λ̂ rises",
}


def keys_of(row: Mapping[str, Any]) -> Row:
    """The keys of a row of `verdicts` as the templates use them; `kept` is the density in percent."""
    absent = {key: pd.isna(row[key]) for key in kinds.KEYS}
    return {
        "rewind_step": -1 if absent["rewind_step"] else int(row["rewind_step"]),
        "split_step": 0 if absent["split_step"] else int(row["split_step"]),
        "kept": "" if absent["density"] else f"{100 * row['density']:.3g}",
        "mask": "" if absent["variant"] else init_and_width(row["variant"])[0],
        "width": 1 if absent["variant"] else init_and_width(row["variant"])[1],
        "claim": words.claim(row),
    }


def read(path: Path, table: Table) -> pd.DataFrame:
    """A table of docs/reference/, the columns that are stored there with the types of their contract."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    found = {}
    for name in text.columns:
        kind = table.columns[name]
        if pa.types.is_floating(kind):
            found[name] = text[name].map(lambda value: float(value or "nan"))
        elif pa.types.is_integer(kind):
            found[name] = text[name].map(lambda value: float(value or "nan"))
            found[name] = found[name] if found[name].isna().any() else found[name].astype(int)
        elif pa.types.is_boolean(kind):
            found[name] = text[name] == "True"
        else:
            found[name] = text[name].where(text[name] != "", None) if name in kinds.KEYS else text[name]
    return pd.DataFrame(found)


def read_all(reference: Path) -> dict[str, pd.DataFrame]:
    """The stored tables of the reference run, by name."""
    return {table.name: read(reference / f"{table.name}.csv", table) for table in (*NUMBERS, CALIBRATION)}


def interval(row: Mapping[str, Any] | None) -> str:
    """The one form of an estimate with its interval, from columns estimate (or dose, half_way), ci_low, ci_high."""
    if row is None:
        return "–"
    return words.interval(row, next(name for name in ("estimate", "dose", "half_way") if name in row))


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("|", "\\|")


def listed(items: Iterable[object]) -> str:
    """a, b and c"""
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else "none"


def names(rows: Iterable[Row]) -> str:
    """The studies of rows, each once."""
    return listed(dict.fromkeys(f"`{row['study']}`" for row in rows))


def each(rows: Iterable[Row], key: str = "") -> str:
    """`study` estimate [interval], for each row; with `key` the value of that column after the study."""
    return listed(f"`{row['study']}` {str(row[key]) + ' ' if key else ''}{interval(row)}" for row in rows)


def by_decision(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Rows grouped by decision, in the order of VERDICTS."""
    groups = ((decision, [row for row in rows if row["decision"] == decision]) for decision in VERDICTS)
    return [(decision, group) for decision, group in groups if group]


def facts(frames: Mapping[str, pd.DataFrame], order: Sequence[str]) -> dict[str, Any]:
    """What the templates may say, as rows by kind of verdict and as rows of the other tables.

    order: studies in the order of the page; those that it does not name come last.
    """
    verdicts = frames["verdicts"]
    present = verdicts["study"].unique().tolist()
    studies = [name for name in order if name in present] + [name for name in present if name not in order]
    # A reference run of an earlier version may hold kinds of claims that are gone.
    verdicts = verdicts[verdicts["kind"].isin(kinds.KINDS)]
    rows: list[Row] = [row | keys_of(row) for row in verdicts.to_dict("records")]
    rows.sort(key=lambda row: (studies.index(row["study"]), row["rewind_step"], row["split_step"]))
    by_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in kinds.KINDS}
    judging = JudgingSettings(margin=1.0)  # of which only thresholds that no study changes are shown
    return {
        "studies": studies,
        "seeds": sorted(verdicts.groupby("study")["n"].max().unique().tolist()),
        "judging": judging,
        "main": {row["study"]: row for row in by_kind[kinds.WINNING_TICKET]},
        "winning_ticket": by_kind[kinds.WINNING_TICKET],
        "tickets": tickets(by_kind, frames["comparisons"]),
        "rewound_ticket": by_kind[kinds.REWOUND_TICKET],
        "total_steps": by_kind[kinds.DENSE_TOTAL],
        "ticket_total_steps": by_kind[kinds.TICKET_TOTAL],
        "other_order": by_kind[kinds.OTHER_ORDER],
        "early_stop": by_kind[kinds.EARLY_STOP],
        "best_supermasks": [
            min((row for row in by_kind[kinds.STRONG_FORM] if row["study"] == study), key=lambda row: row["estimate"])
            for study in studies
            if any(row["study"] == study for row in by_kind[kinds.STRONG_FORM])
        ],
        "supermasks": by_kind[kinds.SUPERMASK],
        "strong_form": by_kind[kinds.STRONG_FORM],
        "changing": by_kind[kinds.ROLES_CHANGE],
        "roles": by_kind[kinds.FIXED_ROLES],
        "later_roles": by_kind[kinds.LATER_ROLES],
        "fixed_by": fixed_by(by_kind, studies),
        "some_structure": by_kind[kinds.TRANSIENCE],
        "structures": structures(by_kind[kinds.TRANSIENT_STRUCTURE], frames["comparisons"], judging),
        "landmarks": landmarks(frames["clock"], studies),
        "llc": clock.LLC,
        "predictions": predictions(frames["predictions"], [*studies, "deep_linear"]),
        "without_a_side": WITHOUT_A_SIDE,
        "calibrations": calibrations(frames["calibration"]),
        **positive_controls(frames["calibration"]),
    }


def tickets(by_kind: Mapping[str, list[Row]], comparisons: pd.DataFrame) -> list[Row]:
    """For each study and rewind step the smallest sparse ticket that wins, and what its controls lose against dense.

    won: whether there is one; if not, the row is about the study and the step alone. controls: by name the row of
    `comparisons`, control − dense at equal steps, with `beyond`: its whole interval lies above the margin.
    """
    sparse = JudgingSettings(margin=1.0).sparse
    steps = [(row["study"], row["rewind_step"]) for row in by_kind[kinds.SMALLEST_MATCHING]]
    claims = [(study, step == 0) for study, step in steps]
    found = []
    for smallest in by_kind[kinds.SMALLEST_MATCHING]:
        mine = [
            row for row in by_kind[kinds.TICKET] if all(row[key] == smallest[key] for key in ("study", "rewind_step"))
        ]
        passed = in_sequence(mine, claims.count((smallest["study"], smallest["rewind_step"] == 0)))
        won = [row for row in passed if row["decision"] == WINNING and float(row["kept"]) <= 100 * sparse]
        measured = comparisons[
            comparisons["study"].eq(smallest["study"]) & comparisons["test"].isin([BEST_RATES, TICKETS])
        ]
        measured = measured[measured["rewind_step"].eq(smallest["rewind_step"])]
        measured = measured[measured["quantity"].isin(style.METRICS)]
        shared = {"matching": smallest["estimate"], "won": bool(won), "metric": listed(measured["quantity"].unique())}
        if not won:
            found.append(smallest | shared | {"controls": {}, "kept": ""})
            continue
        best = min(won, key=lambda row: float(row["kept"]))
        here = measured[(100 * measured["density"]).map("{:.3g}".format) == best["kept"]]
        end = here[here["step"] == here.loc[here["contrast"] == "ticket - dense", "step"].max()].sort_values(
            "test", key=lambda tests: tests != BEST_RATES
        )
        end = end.drop_duplicates("contrast").set_index("contrast")
        lost = end.reindex([f"{control} - dense" for control in DECISIVE_CONTROLS]).to_dict("records")
        controls = {
            control: row | {"beyond": row["ci_low"] > best["margin"]}
            for control, row in zip(DECISIVE_CONTROLS, lost, strict=True)
        }
        found.append(best | shared | {"controls": controls, "beyond": all(c["beyond"] for c in controls.values())})
    return found


def in_sequence(rows: Sequence[Row], rewinds: int) -> list[Row]:
    """The tickets of one rewind step down to the first that does not match at α/2, split over the claim's rewind steps.

    As verdicts.tickets.winning_cells, of which the verdict of T1 is made.
    """
    level = JudgingSettings(margin=1.0).alpha / 2 / rewinds
    ordered = sorted(rows, key=lambda row: float(row["kept"]), reverse=True)
    return list(takewhile(lambda row: row["p"] < level, ordered))


def fixed_by(by_kind: Mapping[str, list[Row]], studies: Sequence[str]) -> list[Row]:
    """For each study the first split step from which on the whole interval of determinacy is above the threshold."""
    found = []
    for study in studies:
        mine = [row for row in (*by_kind[kinds.FIXED_ROLES], *by_kind[kinds.LATER_ROLES]) if row["study"] == study]
        below = [row["split_step"] for row in mine if not row["ci_low"] >= row["margin"]]
        late = [row for row in mine if row["split_step"] > max(below, default=-1)]
        if late:
            found.append(min(late, key=lambda row: row["split_step"]))
    return found


def structures(rows: Sequence[Row], comparisons: pd.DataFrame, judging: JudgingSettings) -> list[Row]:
    """Each structure with A (also beyond the straight path), F and R, the shares acquired, forgotten and retained."""
    measured = comparisons[comparisons["test"] == STRUCTURE].set_index(["study", "quantity", "contrast"])
    found = []
    for row in rows:
        values: Row = {"by": "–"}
        for letter, contrast in (
            ("A", "acquired"),
            ("beyond", "beyond path"),
            ("F", "forgotten"),
            ("R", "retained"),
            ("other", "retained, by another's part"),
        ):
            key = (row["study"], row["structure"], contrast)
            values[letter] = measured.loc[key].to_dict() if key in measured.index else None
            values["by"] = measured.loc[key, "step"] if key in measured.index else values["by"]
        kept = values["R"] is not None and values["R"]["ci_low"] > row["margin"]
        left = values["F"] is not None and values["F"]["p"] < judging.alpha
        found.append(row | values | {"lost": row["decision"] == REFUTES, "outvoted": kept and left})
    return found


def landmarks(rows: pd.DataFrame, studies: Sequence[str]) -> list[Row]:
    """The landmarks of each study that have a half-way step, in their order, and which surely precede the next."""
    found = []
    for study in studies:
        mine = []
        for row in rows[rows["study"] == study].sort_values("rank").to_dict("records"):
            of = row["of"] if (row["quantity"], None) not in LANDMARKS else None
            name = LANDMARKS.get((row["quantity"], of))
            if name:
                mine.append(row | {"name": name, "half_way": row["step"], "placed": not pd.isna(row["step"])})
        placed = [row for row in mine if row["placed"]]
        found.append(
            {
                "study": study,
                "placed": placed,
                "unplaced": [row for row in mine if not row["placed"]],
                "apart": [(one, other) for one, other in pairwise(placed) if apart(one, other)],
            }
        )
    return found


def apart(first: Row, second: Row) -> bool:
    """Whether two half-way steps differ by the clock's rule: intervals, widened to the recorded steps, do not meet."""
    if pd.isna(first["ci_high"]) or pd.isna(second["ci_low"]):
        return False
    return max(first["ci_high"], first["recorded_after"]) < min(second["ci_low"], second["recorded_before"])


def predictions(rows: pd.DataFrame, studies: Sequence[str]) -> list[Row]:
    """Each prediction with its readings by verdict: the studies and how many quantities of each."""
    found = []
    for key, title in TITLES.items():
        mine = rows[rows["prediction"].eq(key) & rows["verdict"].ne(NOT_MEASURED)]
        mine = mine.sort_values("study", key=lambda names: names.map(studies.index), kind="stable")
        readings = {verdict: mine[mine["verdict"] == verdict] for verdict in READINGS if verdict != NOT_MEASURED}
        found.append(
            {
                "key": key,
                "title": title,
                "measured": len(mine),
                "able": int((mine["sign_if_latent"] != mine["sign_if_built"]).sum()),
                "readings": {
                    verdict: [
                        {"study": study, "count": int((group["study"] == study).sum())}
                        for study in studies
                        if (group["study"] == study).any()
                    ]
                    for verdict, group in readings.items()
                },
                "rows": mine.to_dict("records"),
            }
        )
    return found


def calibrations(rows: pd.DataFrame) -> list[Row]:
    """Each instrument with how many checks it must pass, how many it passed, and those that failed."""
    found = []
    for instrument in INSTRUMENTS:
        mine = rows[rows["instrument"] == instrument]
        failed = mine[~mine["passed"]]
        cases = failed["family"] + " " + failed["case"] + ", " + failed["quantity"]
        found.append(
            {
                "instrument": instrument,
                "required": int(mine["required"].sum()),
                "passed": int((mine["required"] & mine["passed"]).sum()),
                "optional": int((~mine["required"]).sum()),
                "failed": cases[failed["required"]].tolist(),
                "failed_optional": cases[~failed["required"]].tolist(),
            }
        )
    return found


def positive_controls(rows: pd.DataFrame) -> dict[str, Any]:
    """The checks of the classic signature, and the studies' procedures, of the pruning calibration.

    `classic`: the difference of test errors (None where it was not checked); `classic_steps`: the differences of
    early-stopping steps, tickets first, from dense to sparse, where both were trained; `classic_mean`: that of tickets
    over all rounds, the check that decides.
    """
    signature = rows[rows["family"] == "classic"].sort_values(["case", "x"], ascending=False)
    steps = signature[signature["quantity"].str.startswith("early-stopping step")]
    both = steps[steps["x"].isin(steps.loc[steps["case"] == "reinitialised", "x"])]
    errors = signature[signature["quantity"].str.endswith("less the ticket's")].to_dict("records")
    return {
        "classic": errors[0] if errors else None,
        "classic_steps": both.to_dict("records"),
        "classic_mean": steps[steps["x"].isna()].to_dict("records"),
        "procedures": rows[rows["family"] == PROCEDURES].to_dict("records"),
    }


def render(frames: Mapping[str, pd.DataFrame], order: Sequence[str], name: str) -> str:
    """A template of docs/templates/ filled in, its paragraphs wrapped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        line_statement_prefix="%%",
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": words.number,
        "interval": interval,
        "percent": percent,
        "listed": listed,
        "cell": cell,
    }
    environment.filters |= {"names": names, "each": each, "by_decision": by_decision}
    # A figure of an optional experiment is shown where the reference run had it.
    environment.globals["stored"] = {path.stem for path in REFERENCE.glob("*.png")}
    return wrapped(environment.get_template(name).render(facts(frames, order)))


def wrapped(page: str) -> str:
    """Paragraphs and list items in lines of WIDTH; headings, tables, figures and comments as they are.

    A table's lines stand together, with an empty line after them, however the template's loops left them.
    """
    page = re.sub(r"(?m)^(\|.*)\n\n+(?=\|)", r"\1\n", page)
    page = re.sub(r"(?m)^(\|.*)\n(?=[^|\n])", r"\1\n\n", page)
    blocks = []
    for block in re.split(r"\n\s*\n", page.strip()):
        if re.match(r"[#|!<]", block):
            lines = [line.rstrip() for line in block.splitlines()]
        else:
            lines = [_in_lines(item) for item in re.split(r"\n(?=- )", block)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _in_lines(text: str) -> str:
    indent = "  " if text.startswith("- ") else ""
    return fill(" ".join(text.split()), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def filled_in(readme: str, answer: str) -> str:
    """README with the answer between its two markers.

    Raises ValueError if they are not there.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md must hold the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{answer}\n{END}{after}"


def studies_in_order() -> list[str]:
    """The studies as config.yaml has them."""
    return list(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["studies"])


def pages(reference: Path = REFERENCE) -> dict[Path, str]:
    """What README.md and docs/results.md should hold, by the tables in `reference`."""
    frames, order = read_all(reference), studies_in_order()
    answer = render(frames, order, "answer.md.j2")
    return {
        README: filled_in(README.read_text(encoding="utf-8"), answer),
        PAGE: render(frames, order, "results.md.j2"),
    }


def write(reference: Path = REFERENCE) -> None:
    """The two pages, and the figure that README shows."""
    for path, text in pages(reference).items():
        path.write_text(text, encoding="utf-8")
    style.save(answer_figure.figure(facts(read_all(reference), studies_in_order())), [reference / "answer.png"])


if __name__ == "__main__":
    write()
