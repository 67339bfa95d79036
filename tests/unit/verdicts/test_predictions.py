"""From comparisons and verdicts to predictions: what reads as latent, what as built, and what as neither."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.example_results import LAST, calibration_of, example, figure_settings, judged, judging
from workflow_scripts.ticketlab.core.readings import (
    BUILT,
    INCONCLUSIVE,
    LATENT,
    MIXED,
    NO_SIDE,
    NOT_MEASURED,
    VERDICTS,
    WITHHELD,
)
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.predictions import PREDICTIONS
from workflow_scripts.ticketlab.verdicts import predictions
from workflow_scripts.ticketlab.verdicts.kinds import TICKET

SECTION = judging()
STUDIES = figure_settings(example=SECTION)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return example("example", SECTION)


def predict(frame: pd.DataFrame, **failing: str) -> pd.DataFrame:
    return predictions.predict(frame, judged(frame, example=SECTION), STUDIES, calibration_of(**failing))


def one(table: pd.DataFrame, prediction: str, words: str) -> pd.Series:
    rows = table[table["prediction"].eq(prediction) & table["quantity"].str.contains(words, regex=False)]
    assert len(rows) == 1, rows["quantity"].tolist()
    return rows.iloc[0]


def put(frame: pd.DataFrame, quantity: str, contrast: str, value: float, half: float, **at: int) -> pd.DataFrame:
    """`frame` with the estimate of some rows replaced, and an interval of this half width."""
    chosen = frame["quantity"].eq(quantity) & frame["contrast"].eq(contrast)
    for column, wanted in at.items():
        chosen &= frame[column].eq(wanted)
    assert chosen.any()
    changed = frame.copy()
    changed.loc[chosen, ["estimate", "ci_low", "ci_high"]] = [value, value - half, value + half]
    return changed


def test_the_table_keeps_its_contract(frame, tmp_path):
    path = tmp_path / "predictions.parquet"
    files.write(path, PREDICTIONS, predict(frame), {"spec": "0", "code": "1", "lock": "2", "packages": {}})
    read = files.read(path, PREDICTIONS)
    assert set(read["verdict"]) <= set(VERDICTS) and (read["reason"] != "").all()
    assert set(read["prediction"]) == set(predictions.TITLES)


def test_what_a_run_did_not_measure_is_named_once(frame):
    table = predict(frame)
    absent = table[table["verdict"] == NOT_MEASURED]
    measured = {"P1", "P2", "P5", "P6"}
    assert set(absent["prediction"]) == set(predictions.TITLES) - measured
    verdicts = judged(frame, example=SECTION)
    nothing = predictions.predict(frame[frame["test"] == "structure"], verdicts, STUDIES, calibration_of())
    assert nothing["verdict"].eq(NOT_MEASURED).all() and len(nothing) == len(predictions.TITLES)


@pytest.mark.parametrize(
    ("instrument", "withheld"),
    [("llc", {"P5"}), ("roles", {"P1"}), ("pruning", {"P2", "P5", "P6"}), ("structure", set())],
)
def test_a_reading_whose_instrument_is_out_of_calibration_is_withheld(frame, instrument, withheld):
    table = predict(frame, **{instrument: "a broken case"})
    rows = table[table["verdict"] == WITHHELD]
    assert set(rows["prediction"]) == withheld
    assert rows["reason"].str.contains(f"{instrument} is out of calibration (example a broken case", regex=False).all()


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [
        (0.85, 0.1, LATENT),
        (0.85, 0.11, INCONCLUSIVE),
        (0.15, 0.1, BUILT),
        (0.5, 0.2, MIXED),
        (0.5, 0.3, INCONCLUSIVE),
        (0.75, 0.0, LATENT),
        (np.nan, np.nan, INCONCLUSIVE),
    ],
)
def test_a_dose_needs_its_whole_interval_on_one_side(frame, value, half, verdict):
    table = predict(put(frame, "dense_final", "beyond_initial", value, half, step=0))
    assert one(table, "P2", "split at step 0")["verdict"] == verdict


def test_masks_say_nothing_if_other_initialisations_share_them(frame):
    shared = put(frame, "dense_final_other_init", "beyond_initial", 0.2, 0.05, step=0)
    table = predict(shared)
    assert set(table.loc[table["prediction"] == "P2", "verdict"]) == {INCONCLUSIVE}
    # Many seeds make any interval narrow: a hundredth of chance is chance.
    assert one(predict(put(shared, "dense_final_other_init", "beyond_initial", 0.005, 0.001)), "P2", "split at step 0")[
        "verdict"
    ] == (BUILT)


@pytest.mark.parametrize("late", [0.5, 0.95])
@pytest.mark.parametrize(("early", "verdict"), [(0.05, BUILT), (0.88, LATENT), (0.4, MIXED)])
def test_a_rise_reads_as_built_and_none_as_latent_whatever_the_last_split_step_is(frame, early, verdict, late):
    """Split at the end, runs are one and agree in full."""
    masks = ("dense_final", "beyond_initial")
    changed = put(put(frame, *masks, early, 0.01, step=0), *masks, late, 0.01, step=10)
    row = one(predict(changed), "P2", "rise from split step 0 to the end")
    assert row["verdict"] == verdict and row["dose"] == pytest.approx(1 - early)
    assert row["ci_high"] - row["dose"] == pytest.approx(0.01)
    assert f"at split step 10 it is {late:.2f} [" in row["reason"]


@pytest.mark.parametrize(
    ("lost", "half", "verdict"),
    [
        (0.1, 0.1, LATENT),
        (0.85, 0.1, BUILT),
        (0.5, 0.2, MIXED),
        (0.3, 0.1, INCONCLUSIVE),
        (np.nan, np.nan, INCONCLUSIVE),
    ],
)
def test_roles_read_as_built_by_what_the_data_order_takes_beyond_chaos(frame, lost, half, verdict):
    table = predict(put(frame, "determinacy", "same_init - chaos", -lost, half))
    row = one(table, "P1", "beyond chaos")
    assert row["verdict"] == verdict and row["dose"] == pytest.approx(lost, nan_ok=True)
    assert table["prediction"].eq("P1").sum() == 1, "the level of determinacy is no prediction"


def test_roles_are_not_read_without_the_control_of_chaos_nor_against_the_instrument(frame):
    without = frame[~frame["contrast"].str.contains("chaos")]
    assert set(predict(without).query("prediction == 'P1'")["verdict"]) == {NOT_MEASURED}
    astray = put(frame, "chance", "other_init", 0.5, 0.1)
    assert one(predict(astray), "P1", "beyond chaos")["verdict"] == INCONCLUSIVE


@pytest.mark.parametrize(
    ("lost", "half", "verdict"),
    [
        (0.2, 0.09, LATENT),
        (0.05, 0.04, BUILT),
        (-0.3, 0.1, BUILT),
        (0.1, 0.05, INCONCLUSIVE),
        (0.2, np.nan, INCONCLUSIVE),
    ],
)
def test_other_weights_under_the_mask_lose_more_than_the_margin_or_not(frame, lost, half, verdict):
    """δ is 0.1; the contrast is ticket − control, so what the control loses is its negative."""
    row = one(predict(put(frame, "loss", "ticket - reinitialised", -lost, half)), "P6", "other initial weights")
    assert row["verdict"] == verdict and row["dose"] == pytest.approx(lost)
    if verdict != INCONCLUSIVE:
        assert row["ci_low"] == pytest.approx(lost - half)


def test_that_signs_suffice_speaks_for_neither_view(frame):
    row = one(predict(put(frame, "loss", "ticket - signed_constant", 0.0, 0.01)), "P6", "only the signs")
    assert row["verdict"] == INCONCLUSIVE and "signs carry" in row["reason"]


@pytest.mark.parametrize(
    ("lost", "half", "words"),
    [
        (0.3, 0.01, "as either view expects"),
        (0.0, 0.01, "which neither view expects"),
        (-0.3, 0.01, "which neither view expects"),
        (0.1, 0.05, "spans δ"),
    ],
)
def test_that_a_shuffled_mask_loses_speaks_for_neither_view(frame, lost, half, words):
    """Where all of the information is in the mask, as "built" has it, a shuffled one has lost it too."""
    row = one(predict(put(frame, "loss", "ticket - shuffled", -lost, half)), "P6", "mask shuffled")
    assert row["verdict"] == INCONCLUSIVE and words in row["reason"]
    assert row["sign_if_latent"] == row["sign_if_built"] == "> 0.1"


def test_the_learning_coefficient_is_compared_as_a_ratio_and_takes_no_side(frame):
    changed = put(frame, "log of llc", "ticket / dense", np.log(0.5), 0.1, step=LAST, level=2)
    row = one(predict(changed), "P5", "25.0%")
    assert row["verdict"] == NO_SIDE and row["n"] == 4 and "sound" not in row["reason"]
    assert (row["dose"], row["ci_low"], row["ci_high"]) == pytest.approx((0.5, 0.5 * np.exp(-0.1), 0.5 * np.exp(0.1)))
    fewer = changed.assign(n=changed["n"].where(changed["quantity"] != "log of llc", 3))
    assert "1 of 4 seeds without a sound positive estimate" in one(predict(fewer), "P5", "25.0%")["reason"]


def test_only_sparse_winning_tickets_from_the_initial_weights_count():
    settings = JudgingSettings(**SECTION)
    rows = [(0.8, 0, "winning"), (0.5, 0, "winning"), (0.3, 20, "winning"), (0.2, 0, "matching"), (0.1, 0, "winning")]
    verdicts = pd.DataFrame(rows, columns=["density", "rewind_step", "decision"]).assign(study="a", kind=TICKET)
    other = verdicts.assign(study="b", decision="neither")
    found = predictions.winning_densities(pd.concat([verdicts, other]), {"a": settings, "b": settings})
    assert settings.sparse == 0.5 and found == {"a": [0.5, 0.1], "b": []}


def test_unmatched_losses_are_said(frame):
    far = put(frame, "loss", "ticket - dense", 0.5, 0.01, step=LAST)
    near = put(frame, "loss", "ticket - dense", 0.0, 0.01, step=LAST)
    assert "not matched" in one(predict(far), "P5", "25.0%")["reason"]
    assert "not matched" not in one(predict(near), "P5", "25.0%")["reason"]


def test_each_study_is_judged_by_its_own_margin(frame):
    wide = judging(margin=0.5)
    both = pd.concat([frame, frame.assign(study="wide")])
    table = predictions.predict(
        both,
        judged(both, example=SECTION, wide=wide),
        figure_settings(example=SECTION, wide=wide),
        calibration_of(),
    )
    loose = one(table[table["study"] == "wide"], "P6", "other initial weights")
    assert (
        loose["verdict"] == BUILT
        and one(table[table["study"] == "example"], "P6", "other initial")["verdict"] == LATENT
    )
