"""The instruments on the page: their calibration, and their reports on themselves in each study."""

from collections.abc import Iterator, Mapping

import pandas as pd

from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.report.page.pictures import small
from workflow_scripts.ticketlab.report.words import interval, spaced
from workflow_scripts.ticketlab.verdicts.comparisons import AGREEMENT, DETERMINACY, EMPTIED, LLC, of_roles
from workflow_scripts.ticketlab.verdicts.judge import RESTS_ON
from workflow_scripts.ticketlab.verdicts.predictions import RESTS_ON as PREDICTIONS_REST_ON


def instrument_states(comparisons: pd.DataFrame, study: str) -> Iterator[dict]:
    """The instruments' reports on themselves in this study, only as far as measured."""
    mine = comparisons[comparisons["study"] == study]
    for (variant, part), rows in mine[mine["test"] == EMPTIED].groupby(["contrast", "quantity"]):
        where = (f"{row['estimate']:.0%} at {row['density']:.1%} kept" for _, row in rows.iterrows())
        yield {
            "instrument": f"pruning, {spaced(variant)}",
            "state": f"left no weight in {part}",
            "detail": f"of {int(rows['n'].max())} networks: {', '.join(where)}",
        }
    flags = mine[mine["test"].eq(LLC) & mine["quantity"].eq("flagged")]
    for variant, rows in flags.groupby("contrast"):
        flagged, total = (rows["estimate"] * rows["n"]).sum(), rows["n"].sum()
        worst = ", ".join(f"{row['estimate']:.0%} at {_where(row)}" for _, row in rows.iterrows())
        yield {
            "instrument": f"learning coefficient, {variant}",
            "state": f"{flagged:.0f} of {total} estimates flagged, left out of the LLC",
            "detail": worst,
        }
    agreement = of_roles(mine, AGREEMENT)
    for contrast, words in (
        ("replicate", "roles, exact replicates (the ceiling)"),
        ("measurement", "roles, a network with itself through two probes"),
    ):
        for _, row in agreement[agreement["contrast"] == contrast].iterrows():
            reached = "reproducible" if row["ci_low"] > 0 else "not shown reproducible"
            yield {"instrument": words, "state": reached, "detail": f"agreement {interval(row)}"}
    control = of_roles(mine[mine["contrast"] == "other_init"], DETERMINACY)
    if len(control):
        inside = (control["ci_low"] <= 0) & (control["ci_high"] >= 0)
        yield {
            "instrument": "roles, different initialisations (must be at chance)",
            "state": "at chance" if inside.all() else f"at chance at {inside.sum()} of {len(control)} split steps",
            "detail": "; ".join(f"D {interval(row)} split at {row['step']}" for _, row in control.iterrows()),
        }


def calibrations(checks: pd.DataFrame, figures: Mapping[str, bytes]) -> list[dict]:
    """For each instrument its state and its checks: failed, passed, and failed without a say."""
    found, rests_on = [], RESTS_ON | PREDICTIONS_REST_ON
    for instrument in INSTRUMENTS:
        rows = checks[checks["instrument"] == instrument]
        required = rows[rows["required"]]
        failed = int((~required["passed"]).sum())
        found.append(
            {
                "instrument": instrument,
                "rests": ", ".join(name for name, names in rests_on.items() if instrument in names),
                "state": "never calibrated" if rows.empty else "out of calibration" if failed else "in calibration",
                "passed": f"{len(required) - failed} of {len(required)} required checks passed",
                "informative": f"{int((~rows['required']).sum())} more not required",
                "png": small(figures[instrument]),
                "failed": [_check(row) for _, row in required[~required["passed"]].iterrows()],
                "checks": [_check(row) for _, row in rows[rows["passed"]].iterrows()],
                "no_say": [_check(row) for _, row in rows[~rows["passed"] & ~rows["required"]].iterrows()],
            }
        )
    return found


def _check(row: pd.Series) -> dict:
    at = "" if pd.isna(row["x"]) else f", at {row['x']:.3g}"
    truth, estimate = ("" if pd.isna(row[key]) else f"{row[key]:.4g}" for key in ("truth", "estimate"))
    between = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:.4g}, {row['ci_high']:.4g}]"
    return {
        "case": f"{row['family']}, {row['case']}: {row['quantity']}{at}",
        "truth": truth,
        "estimate": estimate + between,
        "flag": row["flag"],
        "outcome": ("passed" if row["passed"] else "failed") + ("" if row["required"] else " (not required)"),
    }


def _where(row: pd.Series) -> str:
    return f"step {row['step']}" if row["contrast"] == "dense" else f"{row['density']:.1%} kept"
