"""Copy the answers, the times and the figures of a finished run to docs/reference/, the reference results.

Of the default run (results/), or with the name of an overlay, `thorough`, of that one's (results/thorough/), to a
folder of its own. Of `quick`, which is too short to answer anything, only the numbers that `make verify-reference`
compares. After the default run docs/results.md and the answer in README.md are filled in from what was copied.
"""

import argparse
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts.ticketlab.config import calibrations, study
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.readings import NOT_MEASURED
from workflow_scripts.ticketlab.report.page.clock import half_way_steps
from workflow_scripts.ticketlab.report.words import claim, interval, number
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.tables.schemas.clock import CLOCK
from workflow_scripts.ticketlab.tables.schemas.predictions import PREDICTIONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.predictions import TITLES
from workflow_scripts.ticketlab.verdicts.rows import ANSWERS
from workflow_scripts.tools import reference_times, results_page, verify_reference
from workflow_scripts.tools.dry_run import is_of_study

SHIPPED, REFERENCE = Path("config.yaml"), Path("docs/reference")
DEFAULT = "the default run"
ONLY_NUMBERS = "quick"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def of_verdicts(verdicts: pd.DataFrame, run: str = DEFAULT) -> str:
    """The verdict table, the claims that answer a test first."""
    main = verdicts["kind"].isin(ANSWERS)
    studies = ", ".join(verdicts["study"].unique())
    made = f"Made by `make run` (studies: {studies}) and `make reference`; columns: docs/artifacts.md."
    parts = [f"# Verdicts of {run}", made]
    header = ["study", "test", "claim", "estimate [95 % interval]", "n", "detectable", "verdict", "reason"]
    for title, chosen in (("The three tests", verdicts[main]), ("Everything else that was judged", verdicts[~main])):
        rows = [
            [
                *(row["study"], row["test"], claim(row), interval(row)),
                *(row["n"], number(row["detectable"]), f"**{row['decision']}**", row["reason"]),
            ]
            for row in chosen.to_dict("records")
        ]
        parts += [f"## {title}", table(header, rows)]
    return "\n\n".join(parts) + "\n"


def of_predictions(predictions: pd.DataFrame, run: str = DEFAULT) -> str:
    """The measurements of each prediction; those that no study measured are named at the end."""
    parts = [f"# Predictions in {run}", "What they say, and what would refute them: docs/theory.md."]
    header = ["study", "quantity", "dose [95 % interval]", "n", "if latent", "if built", "reads as", "reason"]
    measured = predictions[predictions["verdict"] != NOT_MEASURED]
    for name, group in measured.groupby("prediction"):
        rows = [
            [
                *(row["study"], row["quantity"], interval(row, "dose"), row["n"]),
                *(row["sign_if_latent"], row["sign_if_built"], f"**{row['verdict']}**", row["reason"]),
            ]
            for row in group.to_dict("records")
        ]
        parts += [f"## {name}: {TITLES[str(name)]}", table(header, rows)]
    absent = [f"{name} ({title})" for name, title in TITLES.items() if name not in set(measured["prediction"])]
    parts += [f"Not measured: {', '.join(absent)}."] if absent else []
    return "\n\n".join(parts) + "\n"


def of_clock(clock: pd.DataFrame, run: str = DEFAULT) -> str:
    """The half-way steps of each study, in order."""
    parts = [f"# The developmental clock of {run}", "How a half-way step is read: docs/artifacts.md, clock."]
    header = ["order", "quantity", "half-way step [95 % interval]", "recorded steps around it", "from → to", "n"]
    header += ["surely before the next", "why there is none"]
    for name in clock["study"].unique():
        parts += [f"## {name}", table(header, [list(row.values()) for row in half_way_steps(clock, name)])]
    return "\n\n".join(parts) + "\n"


def of_time(
    benchmarks: Path, studies: Sequence[str], run: str = DEFAULT, calibrations: Iterable[str | Path] = ()
) -> str:
    """The time of a run: seconds of a core by stage and study, from the jobs' benchmark files.

    calibrations: those of the calibrations that the run rests on. Others may be below the same folder.
    """
    rows = []
    for path in benchmark_files(benchmarks, calibrations):
        of = next((name for name in studies if is_of_study(path.stem, name)), "all together")
        measured = pd.read_csv(path, sep="\t")
        rule = path.stem if path.parent == benchmarks else path.parent.name
        rows.append((rule, of, measured["s"].sum(), measured["max_rss"].max()))
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
        f"# Where the time of {run} went",
        f"Seconds of the {len(jobs)} jobs, one core each, start-up included; the machine: docs/operations.md. "
        f"The largest memory is that of {largest.rule}, {largest.study}: {largest.memory / 1000:.1f} GB.",
        table(["rule", *seconds.columns], cells),
    ]
    return "\n\n".join(parts) + "\n"


def benchmark_files(benchmarks: Path, calibrations: Iterable[str | Path]) -> list[Path]:
    """The benchmark files of a run, and those of the calibrations that it rests on."""
    own = [path for path in benchmarks.rglob("*.tsv") if path.parent.name != "calibrate"]
    return sorted([*own, *map(Path, calibrations)])


def seconds_of_jobs(paths: Iterable[Path]) -> dict[str, float]:
    """What each job took, by its name (tools/reference_times.py)."""
    return {reference_times.job_of(path): float(pd.read_csv(path, sep="\t")["s"].sum()) for path in paths}


def write(config: Config, reference: Path, run: str) -> None:
    """Write all pages and figures of `run`, which has this config, to `reference`."""
    results, shipped = Path(config.results), study.load([SHIPPED], {})
    measured = calibrations.paths(config, shipped, calibrations.BENCHMARK)
    verdicts = files.read(results / "verdicts.parquet", VERDICTS)
    studies = verdicts["study"].unique().tolist()
    pages = {
        "verdicts": of_verdicts(verdicts, run),
        "predictions": of_predictions(files.read(results / "predictions.parquet", PREDICTIONS), run),
        "clock": of_clock(files.read(results / "clock.parquet", CLOCK), run),
        "time": of_time(results / "benchmarks", studies, run, measured),
    }
    reference.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        (reference / f"{name}.md").write_text(page)
    seconds = seconds_of_jobs(benchmark_files(results / "benchmarks", measured))
    reference_times.write(reference / reference_times.FILE.name, seconds, reference_times.speed())
    checks = files.read_many(calibrations.paths(config, shipped), CALIBRATION)
    text = verify_reference.as_text(checks.assign(widths=""), CALIBRATION)
    text.drop(columns=["widths", "rank"]).to_csv(
        reference / f"{CALIBRATION.name}.csv", index=False, lineterminator="\n"
    )
    for figure in sorted((results / "figures").glob("*.png")):
        if not figure.name.startswith("llc_sweep"):  # made only when asked for
            shutil.copy(figure, reference)


def store(overlay: str, reference: Path) -> None:
    """Everything of the run that `overlay` names ("" is the default one) into `reference`; the pages follow."""
    run = f"a run of config/{overlay}.yaml" if overlay else DEFAULT
    config = study.load([SHIPPED, *([Path(f"config/{overlay}.yaml")] if overlay else [])], {})
    if overlay != ONLY_NUMBERS:
        write(config, reference, run)
    verify_reference.write(verify_reference.read_run(Path(config.results)), reference)
    if not overlay:
        results_page.write(reference)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("overlay", nargs="?", default="", help="of config/, of which a run is finished")
    overlay = parser.parse_args().overlay
    store(overlay, REFERENCE / overlay)
