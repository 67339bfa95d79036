"""Copy the answers, the times and the figures of the run in results/ to docs/reference/, the reference result."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts.ticketlab import tables
from workflow_scripts.ticketlab.contracts.clock import CLOCK
from workflow_scripts.ticketlab.contracts.predictions import PREDICTIONS
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.doses import NOT_MEASURED
from workflow_scripts.ticketlab.predictions import TITLES
from workflow_scripts.ticketlab.reporting import MAIN_CLAIMS, half_way_steps
from workflow_scripts.tools.jobs import is_of_study

RESULTS, REFERENCE = Path("results"), Path("docs/reference")


def number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3g}"


def interval(value: float, low: float, high: float) -> str:
    return number(value) + ("" if pd.isna(low) else f" [{number(low)}, {number(high)}]")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def of_verdicts(verdicts: pd.DataFrame) -> str:
    """The verdict table, the claims that answer a test first."""
    main = verdicts["claim"].isin(MAIN_CLAIMS.values())
    studies = ", ".join(verdicts["study"].unique())
    made = f"Made by `make run` (studies: {studies}) and `make reference`; columns: docs/artifacts.md."
    parts = ["# Verdicts of the default run", made]
    header = ["study", "test", "claim", "estimate [95 % interval]", "n", "detectable", "verdict", "reason"]
    for title, chosen in (("The three tests", verdicts[main]), ("Everything else that was judged", verdicts[~main])):
        rows = [
            [
                *(row.study, row.test, row.claim, interval(row.estimate, row.ci_low, row.ci_high)),
                *(row.n, number(row.detectable), f"**{row.decision}**", row.reason),
            ]
            for row in chosen.itertuples()
        ]
        parts += [f"## {title}", table(header, rows)]
    return "\n\n".join(parts) + "\n"


def of_predictions(predictions: pd.DataFrame) -> str:
    """What was measured of each prediction; those that no study measured are named at the end."""
    parts = ["# Predictions in the default run", "What they say, and what would refute them: docs/theory.md."]
    header = ["study", "quantity", "dose [95 % interval]", "n", "if latent", "if built", "reads as", "reason"]
    measured = predictions[predictions["verdict"] != NOT_MEASURED]
    for name, group in measured.groupby("prediction"):
        rows = [
            [
                *(row.study, row.quantity, interval(row.dose, row.ci_low, row.ci_high), row.n),
                *(row.sign_if_latent, row.sign_if_built, f"**{row.verdict}**", row.reason),
            ]
            for row in group.itertuples()
        ]
        parts += [f"## {name}: {TITLES[str(name)]}", table(header, rows)]
    absent = [f"{name} ({title})" for name, title in TITLES.items() if name not in set(measured["prediction"])]
    parts += [f"Not measured: {', '.join(absent)}."] if absent else []
    return "\n\n".join(parts) + "\n"


def of_clock(clock: pd.DataFrame) -> str:
    """The half-way steps of each study, in order."""
    parts = ["# The developmental clock of the default run", "How a half-way step is read: docs/artifacts.md, clock."]
    header = ["order", "quantity", "half-way step [95 % interval]", "recorded steps around it", "from → to", "n"]
    header += ["surely before the next", "why there is none"]
    for study in clock["study"].unique():
        parts += [f"## {study}", table(header, [list(row.values()) for row in half_way_steps(clock, study)])]
    return "\n\n".join(parts) + "\n"


def of_time(benchmarks: Path, studies: Sequence[str]) -> str:
    """Where the time of a run went: seconds of a core by stage and study, from the jobs' benchmark files."""
    rows = []
    for path in sorted(benchmarks.rglob("*.tsv")):
        study = next((study for study in studies if is_of_study(path.stem, study)), "all together")
        measured = pd.read_csv(path, sep="\t")
        rule = path.stem if path.parent == benchmarks else path.parent.name
        rows.append((rule, study, measured["s"].sum(), measured["max_rss"].max()))
    jobs = pd.DataFrame(rows, columns=["rule", "study", "seconds", "memory"])
    seconds = jobs.pivot_table(
        index="rule", columns="study", values="seconds", aggfunc="sum", margins=True, margins_name="all"
    )
    order = seconds.drop(index="all").sort_values("all", ascending=False).index
    cells = [
        [rule, *("" if pd.isna(value) else f"{value:.0f}" for value in seconds.loc[rule])] for rule in [*order, "all"]
    ]
    largest = jobs.loc[jobs["memory"].idxmax()]
    parts = [
        "# Where the time of the default run went",
        f"Seconds of the {len(jobs)} jobs, one core each, start-up included; the machine: README.md. "
        f"The largest memory is that of {largest.rule}, {largest.study}: {largest.memory / 1000:.1f} GB.",
        table(["rule", *seconds.columns], cells),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    REFERENCE.mkdir(parents=True, exist_ok=True)
    verdicts = tables.read(RESULTS / "verdicts.parquet", VERDICTS)
    (REFERENCE / "verdicts.md").write_text(of_verdicts(verdicts))
    (REFERENCE / "time.md").write_text(of_time(RESULTS / "benchmarks", verdicts["study"].unique().tolist()))
    predicted = tables.read(RESULTS / "predictions.parquet", PREDICTIONS)
    (REFERENCE / "predictions.md").write_text(of_predictions(predicted))
    (REFERENCE / "clock.md").write_text(of_clock(tables.read(RESULTS / "clock.parquet", CLOCK)))
    for figure in sorted((RESULTS / "figures").glob("*.png")):
        if not figure.name.startswith("llc_sweep"):  # made only when asked for
            shutil.copy(figure, REFERENCE)
