"""Copy verdicts and figures of the finished run in results/ to docs/reference/, the README's reference result."""

import shutil
from pathlib import Path

import pandas as pd

from workflow_scripts.ticketlab import tables
from workflow_scripts.ticketlab.reporting import MAIN_CLAIMS
from workflow_scripts.ticketlab.specs import FIGURES

RESULTS, REFERENCE = Path("results"), Path("docs/reference")


def number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3g}"


def markdown(verdicts: pd.DataFrame) -> str:
    """The verdict table, the claims that answer a test first."""
    main = verdicts["claim"].isin(MAIN_CLAIMS.values())
    parts = ["# Verdicts of the default run", "Made by `make run` and `make reference`; columns: docs/artifacts.md."]
    for title, rows in (("The three tests", verdicts[main]), ("Everything else that was judged", verdicts[~main])):
        lines = [
            "| study | test | claim | estimate [95 % interval] | n | verdict | reason |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in rows.itertuples():
            interval = "" if pd.isna(row.ci_low) else f" [{number(row.ci_low)}, {number(row.ci_high)}]"
            cells = (
                row.study,
                row.test,
                row.claim,
                number(row.estimate) + interval,
                row.n,
                f"**{row.decision}**",
                row.reason,
            )
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
        parts += [f"## {title}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    REFERENCE.mkdir(parents=True, exist_ok=True)
    (REFERENCE / "verdicts.md").write_text(markdown(tables.read(RESULTS / "verdicts.parquet", "verdicts")))
    for name in FIGURES:
        shutil.copy(RESULTS / f"figures/{name}.png", REFERENCE)
