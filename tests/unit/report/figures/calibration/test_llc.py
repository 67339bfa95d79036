"""The figure draws what the table says, also when much of it is missing."""

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.report.figures import style
from workflow_scripts.ticketlab.report.figures.calibration.llc import figure


def row(family, case, x, estimate, quantity="llc", truth=4.0, required=True, passed=True, flag=""):
    return {
        "family": family,
        "case": case,
        "quantity": quantity,
        "x": x,
        "truth": truth,
        "estimate": estimate,
        "ci_low": estimate - 0.1,
        "ci_high": estimate + 0.1,
        "tolerance": 0.05 * truth,
        "flag": flag,
        "required": required,
        "passed": passed,
    }


def example(passed):
    return pd.DataFrame(
        [
            row("regular", "24 parameters", 1e-3, 4.5, required=False),
            row("regular", "24 parameters", 0.0, 4.0),
            row("deep_linear", "3-3-3 rank 1", 0.0, 4.1, passed=passed),
            row("deep_linear", "4-3-8 rank 0", 0.0, np.nan, passed=False),
            row("sweep nbeta", "3-3-3 rank 1", 100.0, 3.0, required=False, flag="ess"),
            row("sweep nbeta", "3-3-3 rank 1", 1000.0, 3.9, required=False),
            row("sweep nbeta", "all", 1000.0, 0.8, "kendall_tau", 1.0, required=False),
        ]
    )


def test_the_title_counts_the_required_checks():
    assert "2 of 3 required checks passed" in figure(example(True)).get_suptitle()
    assert "1 of 3 required checks passed" in figure(example(False)).get_suptitle()


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        style.save(figure(example(True)), [tmp_path / f"{name}.png", tmp_path / f"{name}.svg"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
