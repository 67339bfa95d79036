"""Each kind of network at its own best rate: chosen on validation, for all seeds together, and said in the verdict."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.example_verdicts import (
    BAD,
    DENSE,
    GOOD,
    LAST,
    SEEDS,
    SETTINGS,
    compared,
    judged,
    metrics,
    ticket,
    verdict,
)
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.verdicts import best_rates, comparisons, kinds
from workflow_scripts.ticketlab.verdicts.tickets import MATCHING, NEITHER, WINNING, WORSE

CELL = ("ticket", 1, 0.3)


def at_rates(ends):
    """A table `rates`: {rate: (dense end, {(variant, level, density): end})}."""
    parts = []
    for rate, (dense, others) in ends.items():
        part = metrics(others).assign(rate=rate)
        part.loc[part["variant"].eq("dense"), "value"] += dense - DENSE
        parts.append(part[part["step"] == LAST])
    return pd.concat(parts, ignore_index=True)


def table(own, others):
    """The comparisons of networks at the recipe's rate and at others."""
    best = comparisons.best_rates(metrics(own), at_rates(others), SETTINGS, LAST)
    return pd.concat([compared(metrics(own)), pd.DataFrame(best).assign(study="s")], ignore_index=True)


def one(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def decided(frame):
    return verdict(judged(frame), kinds.TICKET)


OWN = ticket(1, 0.3, GOOD, BAD, BAD)


def test_a_control_that_another_rate_saves_takes_the_win():
    saved = ticket(1, 0.3, BAD, BAD, GOOD)
    frame = table(OWN, {2.0: (3.0, saved)})
    assert decided(compared(metrics(OWN)))["decision"] == WINNING
    row = decided(frame)
    assert row["decision"] == MATCHING and "not shown better than shuffled" in row["reason"]
    assert row["reason"].endswith("of 1, 2 times the recipe's: ticket 1, dense 1, reinitialised 1, shuffled 2")


def test_dense_at_its_best_rate_is_what_the_ticket_must_match():
    frame = table(OWN, {0.5: (1.5, ticket(1, 0.3, BAD, BAD, BAD))})
    row = decided(frame)
    assert row["decision"] == NEITHER and row["estimate"] == pytest.approx(GOOD - 1.5, abs=0.04)
    assert "ticket 1, dense 0.5, reinitialised " in row["reason"]
    control = verdict(judged(frame), kinds.CONTROL, variant="shuffled")
    assert control["decision"] == WORSE and control["estimate"] == pytest.approx(BAD - 1.5, abs=0.04)


def test_a_ticket_that_another_rate_saves_wins():
    frame = table(ticket(1, 0.3, BAD, 3.0, 3.0), {2.0: (2.5, ticket(1, 0.3, GOOD, 3.5, 3.5))})
    row = decided(frame)
    assert row["decision"] == WINNING and "ticket 2, dense 1, reinitialised 1, shuffled 1" in row["reason"]


def test_the_rate_is_chosen_on_validation_and_never_on_test():
    rates = at_rates({2.0: (DENSE, ticket(1, 0.3, BAD, BAD, BAD))})
    rates.loc[rates["split"].eq("test"), "value"] = 0.0
    found = pd.DataFrame(comparisons.best_rates(metrics(OWN), rates, SETTINGS, LAST))
    assert one(found, contrast="ticket", quantity="loss")["rate"] == 1.0


def test_the_rate_is_one_for_all_seeds_and_seeds_stay_paired():
    """Half of the seeds are better at the other rate, but not on average; spread cancels in differences."""
    seeds = np.linspace(0, 3, SEEDS)
    split = np.where(np.arange(SEEDS) % 2, -0.5, 0.6)
    own = ticket(1, 0.3, GOOD + seeds, BAD + seeds, BAD + seeds)
    rates = at_rates({2.0: (3.0, ticket(1, 0.3, GOOD + seeds + split, 9.0, 9.0))})
    found = pd.DataFrame(comparisons.best_rates(metrics(own), rates, SETTINGS, LAST))
    row = one(found, contrast="ticket - shuffled")
    assert (row["rate"], row["other_rate"], row["n"]) == (1.0, 1.0, SEEDS)
    assert row["estimate"] == pytest.approx(GOOD - BAD, abs=0.03) and row["ci_high"] - row["ci_low"] < 0.1


def test_a_rate_at_which_a_network_diverges_is_not_chosen_unless_there_is_no_other():
    rates = at_rates({2.0: (1.0, ticket(1, 0.3, 0.5, BAD, BAD))})
    lost = rates["variant"].eq("ticket") & rates["init_seed"].eq(3)
    partly = rates.assign(value=rates["value"].mask(lost))
    row = one(pd.DataFrame(comparisons.best_rates(metrics(OWN), partly, SETTINGS, LAST)), contrast="ticket - dense")
    assert (row["rate"], row["other_rate"]) == (1.0, 2.0)
    own = metrics(OWN)
    own = own.assign(value=own["value"].mask(own["variant"].eq("ticket")))
    chosen = best_rates.best(best_rates.at_all_rates(own, rates.assign(value=np.nan), LAST))
    assert chosen.groupby(best_rates.KIND)["rate"].nunique().eq(1).all()


def test_of_equal_rates_the_lowest_is_taken():
    own = metrics(OWN)
    same = own[own["step"] == LAST].assign(rate=0.5)
    assert set(best_rates.best(best_rates.at_all_rates(own, same, LAST))["rate"]) == {0.5}


def test_the_validation_loss_at_every_rate_is_in_the_table(tmp_path):
    frame = table(OWN, {0.5: (2.2, OWN), 2.0: (1.8, OWN)})
    rows = frame[frame["quantity"].eq(best_rates.VALIDATION_LOSS) & frame["contrast"].eq("dense")].set_index("rate")
    assert rows["estimate"].to_dict() == pytest.approx({0.5: 2.2, 1.0: 2.0, 2.0: 1.8}, abs=0.03)
    files.write(tmp_path / "c.parquet", COMPARISONS, frame, {})


def test_densities_without_other_rates_are_compared_with_dense_at_the_recipes():
    own = OWN | ticket(2, 0.1, GOOD)
    frame = table(own, {2.0: (1.0, OWN)})
    rows = comparisons.at_the_end(frame, SETTINGS, LAST)
    by_level = rows[rows["contrast"] == "ticket - dense"].set_index("level")
    assert by_level["other_rate"].to_dict() == {1: 2.0, 2: 1.0}
    assert by_level["estimate"].to_dict() == pytest.approx({1: GOOD - 1, 2: GOOD - DENSE}, abs=0.04)
