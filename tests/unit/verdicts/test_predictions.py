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


def unbeaten(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with shuffled masks as good as tickets, so that tickets match dense and none wins."""
    changed = put(frame, "loss", "ticket - shuffled", 0.0, 0.01)
    changed.loc[changed["contrast"] == "ticket - shuffled", "p"] = 1.0
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
        (0.15, 0.1, BUILT),
        (0.15, 0.11, INCONCLUSIVE),
        (0.5, 0.2, MIXED),
        (0.5, 0.3, INCONCLUSIVE),
        (np.nan, np.nan, INCONCLUSIVE),
    ],
)
def test_a_dose_needs_its_whole_interval_on_one_side(frame, value, half, verdict):
    table = predict(put(frame, "dense_final", "update_correlation", value, half, step=0))
    assert one(table, "P2", "correlation of updates, split at step 0")["verdict"] == verdict


def test_a_high_dose_is_what_latent_predicts_and_built_allows(frame):
    """Training without noise in its data has a dose of 1, whatever it builds."""
    high = put(frame, "dense_final", "update_correlation", 0.9, 0.05)
    row = one(predict(high), "P2", "correlation of updates, split at step 0")
    assert (row["sign_if_latent"], row["sign_if_built"], row["verdict"]) == ("≥ 0.75", "any", INCONCLUSIVE)
    assert "built allows it" in row["reason"]


@pytest.mark.parametrize(
    ("value", "half", "verdict", "words"),
    [
        (0.0, 0.1, BUILT, ""),  # the whole interval is within ±0.1
        (0.09, 0.01, BUILT, ""),  # many seeds make any interval narrow: a few hundredths of chance are chance
        (0.0, 0.11, INCONCLUSIVE, "no power (0.00 [-0.11, 0.11] reaches beyond ±0.1)"),
        (-0.05, 0.06, INCONCLUSIVE, "no power"),
        (0.08, 0.03, WITHHELD, "not shown to be at chance"),
        (-0.2, 0.05, WITHHELD, "not shown to be at chance"),
        (0.0, np.nan, INCONCLUSIVE, "too few initialisations"),
    ],
)
def test_weights_are_read_only_if_those_of_other_initialisations_are_shown_to_be_at_chance(
    frame, value, half, verdict, words
):
    low = put(frame, "dense_final", "update_correlation", 0.1, 0.05, step=0)
    row = one(predict(put(low, "chance", "update_correlation", value, half)), "P2", "correlation of updates, split")
    assert row["verdict"] == verdict and words in row["reason"] and row["dose"] == pytest.approx(0.1)


def test_weights_are_not_read_without_other_initialisations(frame):
    low = put(frame, "dense_final", "update_correlation", 0.1, 0.05, step=0)
    alone = low[~(low["quantity"].eq("chance") & low["contrast"].eq("update_correlation"))]
    assert one(predict(alone), "P2", "correlation of updates, split")["verdict"] == INCONCLUSIVE


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


def test_a_change_with_the_split_step_takes_no_side_without_chaos(frame):
    updates = ("dense_final", "update_correlation")
    changed = put(put(frame, *updates, 0.2, 0.03, step=0), *updates, 0.8, 0.04, step=10)
    row = one(predict(changed), "P2", "change from split step 0 to 10")
    assert row["verdict"] == NO_SIDE and "chaos" in row["reason"]
    assert (row["dose"], row["ci_low"], row["ci_high"]) == pytest.approx((0.6, 0.55, 0.65))


def test_overlaps_of_masks_stand_beside_the_correlation_without_a_side(frame):
    for words in ("beyond chance", "beyond |θ₀|"):
        assert one(predict(frame), "P2", f"mask overlap {words}, split at step 0")["verdict"] == NO_SIDE


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
    changed = put(unbeaten(frame), "loss", "ticket - reinitialised", -lost, half)
    row = one(predict(changed), "P6", "from step 0: other initial weights")
    assert row["verdict"] == verdict and row["dose"] == pytest.approx(lost)
    if verdict != INCONCLUSIVE:
        assert row["ci_low"] == pytest.approx(lost - half)


def test_at_a_winning_ticket_other_weights_have_no_side_since_winning_means_that_they_lose(frame):
    row = one(predict(frame), "P6", "from step 0: other initial weights")
    assert row["verdict"] == NO_SIDE and "winning because" in row["reason"] and row["ci_low"] > 0.1
    assert row["sign_if_latent"] == row["sign_if_built"] == "any"
    matching = one(predict(unbeaten(frame)), "P6", "from step 0: other initial weights")
    assert matching["verdict"] == LATENT and matching["ci_low"] > 0.1


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
    row = one(
        predict(put(frame, "loss", "ticket - shuffled", -lost, half)), "P6", "from step 0: same weights, mask shuffled"
    )
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
        unbeaten(both),
        judged(unbeaten(both), example=SECTION, wide=wide),
        figure_settings(example=SECTION, wide=wide),
        calibration_of(),
    )
    loose = one(table[table["study"] == "wide"], "P6", "from step 0: other initial weights")
    assert (
        loose["verdict"] == BUILT
        and one(table[table["study"] == "example"], "P6", "from step 0: other initial")["verdict"] == LATENT
    )
