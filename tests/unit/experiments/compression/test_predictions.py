"""P7's rows of compression: correlations that are built in are found, with the loss's beside them."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.ticketlab.core.readings import NO_SIDE
from workflow_scripts.ticketlab.experiments.compression.predictions import predictions
from workflow_scripts.ticketlab.report.figures import compression as drawing
from workflow_scripts.ticketlab.settings.compression import CompressionSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.compression import COMPRESSION

STEPS = [0, 3, 10, 30, 100, 300]
BITS = "correlation of critical bits with λ̂ along training"
DENSITY = "correlation of log of critical density with λ̂ along training"


def table(study="example", noise=0.02):
    """λ̂ rises; bits follow it; the density is noise."""
    random = np.random.default_rng(0)
    keys = {"study": study, "variant": "dense", "rewind_step": 0, "level": 0}
    rows = [
        {
            **keys,
            "init_seed": seed,
            "data_seed": seed,
            "step": step,
            "loss": 2.0 - 0.1 * place,
            "rise": 0.05,
            "density": 0.5 * np.exp(0.1 * random.standard_normal()),
            "bits": 3 + 0.3 * place + noise * random.standard_normal(),
            "llc": 10.0 * place,
            "flag": "not_a_minimum" if place < 2 else "",
        }
        for seed in range(5)
        for place, step in enumerate(STEPS)
    ]
    return pd.DataFrame(rows)


def found(frame, **settings):
    names = frame["study"].unique()
    rows = predictions(frame, dict.fromkeys(names, CompressionSettings(**settings)), dict.fromkeys(names, 0.05))
    return {(study, row["quantity"]): row for study, row in rows}


def test_a_relation_is_found_with_its_interval_and_noise_is_none():
    rows = found(table())
    bits, density = rows["example", BITS], rows["example", DENSITY]
    assert bits["dose"] > 0.99 and bits["ci_low"] > 0.95 and bits["ci_high"] <= 1 and bits["n"] == 5
    assert bits["reason"].startswith("the positive control holds: they rise together, over 30 networks at 6 steps")
    assert bits["reason"].endswith("with the loss it is -1.00")
    assert density["ci_low"] < 0 < density["ci_high"] and density["reason"].startswith("no relation is shown")
    assert {row["verdict"] for row in rows.values()} == {NO_SIDE}


def test_a_positive_control_that_fails_is_said_to():
    frame = table()
    frame["bits"] = frame["bits"].max() - frame["bits"]
    assert found(frame)["example", BITS]["reason"].startswith("the positive control does not hold: one falls")
    weak = found(table(noise=0.3))["example", BITS]
    assert weak["ci_low"] < 0.9 < weak["ci_high"]
    assert weak["reason"].startswith("the positive control is not shown to hold")


def test_flagged_estimates_are_left_out_and_too_few_steps_give_no_correlation():
    frame = table()
    late = frame["step"] >= 100
    frame.loc[frame["init_seed"].eq(0) & late, "flag"] = "ess"
    frame.loc[frame["init_seed"].eq(1), "flag"] = "diverged"
    frame.loc[frame["init_seed"].eq(2) & late, "bits"] = np.nan
    row = found(frame)["example", BITS]
    assert row["n"] == 4 and "over 20 networks at 6 steps" in row["reason"]
    assert "over 22 networks" in found(frame)["example", DENSITY]["reason"]
    assert np.isnan(found(frame[~late & frame["step"].gt(3)])["example", BITS]["dose"])
    alone = found(frame[frame["init_seed"] == 4])["example", BITS]
    assert alone["n"] == 0 and np.isnan(alone["dose"]) and "6 steps of 1 initialisations" in alone["reason"]


def test_a_study_without_an_estimate_that_can_be_shown_has_its_rows():
    row = found(table().assign(flag="negative"))["example", BITS]
    assert np.isnan(row["dose"]) and "0 steps of 0 initialisations" in row["reason"]


def test_sizes_that_never_change_have_no_correlation():
    row = found(table().assign(bits=4.0))["example", BITS]
    assert row["n"] == 0 and np.isnan(row["dose"])


def test_the_rows_are_a_table_and_a_figure_with_a_column_for_each_study(tmp_path):
    files.write(tmp_path / "compression.parquet", COMPRESSION, table(), {})
    back = files.read(tmp_path / "compression.parquet", COMPRESSION)
    both = pd.concat([back, table("other_study").assign(flag="ess")])
    drawn = drawing.figure(both)
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["example", "other study"] * 2
    assert [len(axes.lines) for axes in drawn.axes] == [6, 1] * 2
    np.testing.assert_allclose(drawn.axes[0].lines[-1].get_xdata(), 10.0 * np.arange(6))
    assert drawn.axes[0].lines[-1].get_ydata()[-1] == pytest.approx(4.5, abs=0.1)
