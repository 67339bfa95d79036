"""What holds for the verdicts of all tests: table, licence, instruments, what they could have seen."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.unit.example_verdicts import (
    ALL_FAIL,
    BAD,
    FULL,
    GOOD,
    NAN,
    SETTINGS,
    WINS,
    compared,
    judged,
    metrics,
    roles,
    structure,
    ticket,
    verdict,
)
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts import kinds, rows
from workflow_scripts.ticketlab.verdicts.judge import detectable
from workflow_scripts.ticketlab.verdicts.rows import T1, T2, T3
from workflow_scripts.ticketlab.verdicts.tickets import MATCHING, NEITHER, WINNING, WORSE


def test_every_verdict_fits_the_table_also_with_many_rounds(tmp_path):
    """Forty rounds: densities down to 0.01 % that must not share a key."""
    many: dict = {}
    for level in range(3, 41):
        many |= ticket(level, 0.8**level, GOOD, BAD, BAD)
    frame = pd.concat([compared(metrics(many | FULL)), roles(0.9, 0.8, 1.0), structure()], ignore_index=True)
    table = judged(frame)
    files.write(tmp_path / "v.parquet", VERDICTS, table, {})
    back = files.read(tmp_path / "v.parquet", VERDICTS)
    assert set(back["decision"]) <= {*rows.VERDICTS, WINNING, MATCHING, NEITHER, WORSE}
    assert (back["reason"].str.len() > 0).all()
    assert set(back["kind"]) <= {*kinds.KINDS} and not back.duplicated(list(VERDICTS.unique)).any()


@pytest.mark.parametrize("ends", [ALL_FAIL, ticket(1, 0.8, BAD, 3.0, 3.0)])
def test_whether_the_control_study_licenses_a_negative_is_said_of_what_is_no_positive(ends):
    for control, words in (
        (WINS, "a negative here is licensed by other"),
        (ALL_FAIL, "a negative here has no licence: other gives none (it has no winning ticket"),
    ):
        table = judged(compared(metrics(ends)), licensed_by="other", other=compared(metrics(control)))
        assert words in verdict(table, kinds.WINNING_TICKET)["reason"]
    assert "no control study is named" in verdict(judged(compared(metrics(ends))), kinds.WINNING_TICKET)["reason"]
    absent = verdict(judged(compared(metrics(ends)), licensed_by="digits"), kinds.WINNING_TICKET)
    assert (
        absent["decision"] == rows.INCONCLUSIVE and "digits would license a negative; add it to run" in absent["reason"]
    )


def test_a_positive_needs_no_licence_and_speaks_of_none():
    for named in (None, "digits"):
        row = verdict(judged(compared(metrics(WINS)), licensed_by=named), kinds.WINNING_TICKET)
        assert row["decision"] == rows.SUPPORTS and "licens" not in row["reason"]


def test_what_a_verdict_could_have_seen_is_told_in_its_own_unit():
    """At the detectable distance below the margin, a ticket with this spread is found with the power wanted."""
    row = {"test": T1, "ci_low": -0.3, "ci_high": -0.1, "n": 8, "family": 1}
    seen = detectable(row, SETTINGS)
    deviation = 0.1 * np.sqrt(8) / stats.t.ppf(0.975, 7)
    noise = np.random.default_rng(0).normal(0, deviation, (2000, 8))
    found = stats.ttest_1samp(noise - seen, 0.0, axis=1, alternative="less").pvalue < SETTINGS.alpha / 2
    assert found.mean() == pytest.approx(SETTINGS.power, abs=0.03)
    assert detectable(row | {"family": 3}, SETTINGS) > seen, "Holm's strictest level of three"
    assert detectable(row | {"test": T3}, SETTINGS) < seen, "transience is tested to one side"
    assert detectable(row | {"test": T3, "family": 2}, SETTINGS) == pytest.approx(seen)
    assert np.isnan(detectable(row | {"ci_low": NAN, "ci_high": NAN}, SETTINGS))
    assert np.isnan(detectable(row | {"n": 1}, SETTINGS))


def test_what_t2_could_have_seen_does_not_depend_on_the_alpha_of_the_other_tests():
    """Intervals of determinacy are always 95 % ones."""
    row = {"test": T2, "ci_low": 0.3, "ci_high": 0.5, "n": 8, "family": 1}
    lenient = SETTINGS.model_copy(update={"alpha": 0.1})
    assert detectable(row, lenient) == detectable(row, SETTINGS)
    assert detectable(row | {"test": T1}, lenient) != detectable(row | {"test": T1}, SETTINGS)


def test_each_verdict_is_told_what_it_could_have_seen_at_the_strictest_level_of_its_own_family():
    """Three supermasks, two predictors; a ticket against dense is not adjusted."""
    ends = WINS | ticket(2, 0.1, GOOD) | {("supermask_kaiming", level, 0.5**level): 2.1 for level in (1, 2, 3)}
    table = judged(compared(metrics(ends)), structure("bigram"), structure("unigram"))
    sizes = {kinds.TICKET: 1, kinds.SUPERMASK: 3, kinds.TRANSIENT_STRUCTURE: 2}
    for kind, family in sizes.items():
        found = table[table["kind"] == kind].iloc[0]
        assert found["detectable"] == detectable(found.to_dict() | {"family": family}, SETTINGS) > 0
