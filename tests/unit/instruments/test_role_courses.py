"""Roles along training: networks whose heads take a role at a known step."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.ticketlab.core.random_streams import data_seed
from workflow_scripts.ticketlab.instruments.role_courses import courses, held_from
from workflow_scripts.ticketlab.instruments.role_holders import holders
from workflow_scripts.ticketlab.tables.schemas.role_courses import HELD_FROM, ROLE_COURSES

STEPS, HEADS, LOW, HIGH = [0, 1, 10, 100], 4, 0.1, 0.8
UNTRAINED = LOW + 0.02 * np.array([-1, 1, 1, -1])  # mean 0.1, standard deviation 0.02


def network(init, by_step, variant="dense", order=0, split=0, score="induction", kind="head"):
    """A `roles` table: the scores of four heads in two layers at each step, which the probes see 0.01 apart."""
    rows = [
        (step, probe, head // 2, head % 2, float(value) + 0.005 * (-1) ** (probe + head))
        for step, values in by_step.items()
        for head, value in enumerate(values)
        for probe in (0, 1)
    ]
    frame = pd.DataFrame(rows, columns=["step", "probe", "layer", "component", "value"])
    member = {"init_seed": init, "data_seed": data_seed(init, order), "variant": variant, "rewind_step": split}
    return frame.assign(study="s", level=0, kind=kind, score=score, **member)


def course(*leading, high=HIGH):
    """The scores at each step, of which the head named leads; None: as at the start."""
    return {
        step: UNTRAINED if head is None else np.where(np.arange(HEADS) == head, high, LOW)
        for step, head in zip(STEPS, leading, strict=True)
    }


def end(head, high=HIGH):
    return {STEPS[-1]: np.where(np.arange(HEADS) == head, high, LOW)}


def held(dense, *siblings):
    """`held_from` of a dense network and siblings (data order, split step, the head that leads at the end)."""
    alone = network(0, dense)
    children = [network(0, end(head), "spawned", order, split) for order, split, head in siblings]
    found = held_from(alone, holders(pd.concat([alone[alone["step"] == STEPS[-1]], *children])), clear=2.0)
    assert {*found.columns} == {*HELD_FROM.columns}
    return found


@pytest.mark.parametrize(
    ("leading", "step", "before"),
    [
        ((None, None, None, 3), 100, 10),
        ((None, 3, 3, 3), 1, 0),
        ((None, 3, 2, 3), 100, 10),  # lost in between: not for good
        ((None, 2, 3, 3), 10, 1),
        ((None, 3, None, 3), 100, 10),
    ],
)
def test_a_head_holds_its_role_from_the_step_on_from_which_it_never_loses_it(leading, step, before):
    row = held(course(*leading)).iloc[0]
    assert (row["layer"], row["component"], row["role"]) == (1, 1, "induction")
    assert (row["step"], row["step_before"]) == (step, before)
    assert row["value"] == pytest.approx(HIGH)


def test_a_role_that_is_held_from_the_start_has_no_step_before():
    """Head 3 of one network in fifty leads untrained: chance is what all the others do."""
    latent = network(0, course(3, 3, 3, 3))
    others = [network(init, course(None, None, None, 0)) for init in range(1, 50)]
    frame = pd.concat([latent, *others])
    row = held_from(frame, holders(frame[frame["step"] == STEPS[-1]]), clear=2.0).set_index("init_seed").loc[0]
    assert row["step"] == 0 and np.isnan(row["step_before"])


def test_who_leads_within_chance_or_unclearly_holds_nothing():
    assert held(course(None, None, None, None)).empty
    nearly = {step: UNTRAINED if step == 0 else np.array([LOW, LOW, 0.795, HIGH]) for step in STEPS}
    assert held(nearly).empty  # the lead is less than two standard errors
    assert len(held(course(None, None, None, 3, high=LOW + 0.07))) == 1
    assert held(course(None, None, None, 3, high=LOW + 0.03)).empty  # less than two deviations above chance


def test_a_score_is_half_way_later_than_its_head_leads():
    rising = {0: UNTRAINED, 1: [LOW, LOW, LOW, 0.3], 10: [LOW, LOW, LOW, 0.4], 100: [LOW, LOW, LOW, HIGH]}
    row = held(rising).iloc[0]
    assert (row["step"], row["step_before"]) == (1, 0)
    assert (row["half_step"], row["half_step_before"]) == (100, 10)


def test_siblings_agree_from_the_split_step_on_from_which_all_end_with_the_same_head():
    dense = course(None, None, 3, 3)
    row = held(dense, (1, 0, 2), (2, 0, 3), (1, 1, 3), (2, 1, 3), (1, 10, 3)).iloc[0]
    assert (row["orders"], row["orders_agreed"], row["agreed_from"]) == (2, 1, 1)
    row = held(dense, (1, 0, 3), (1, 1, 2), (1, 10, 3)).iloc[0]
    assert (row["orders"], row["orders_agreed"], row["agreed_from"]) == (1, 1, 10)
    row = held(dense, (1, 0, 3), (1, 10, 2)).iloc[0]
    assert np.isnan(row["agreed_from"])


def test_the_exact_replicate_and_siblings_without_a_clear_holder_are_no_evidence():
    dense = course(None, None, 3, 3)
    replicate = held(dense, (0, 0, 3)).iloc[0]
    assert replicate["orders"] == 0 and np.isnan(replicate["agreed_from"])
    weak = network(0, end(2, high=LOW + 0.005), "spawned", 1)
    alone = network(0, dense)
    ends = holders(pd.concat([alone[alone["step"] == STEPS[-1]], weak]))
    assert held_from(alone, ends, clear=2.0)["orders"].tolist() == [0]


def test_chance_is_the_mean_and_the_spread_of_untrained_heads():
    found = courses(pd.concat([network(0, course(None, 3, 3, 3)), network(1, course(None, 2, 2, 2))]))
    assert {*found.columns} == {*ROLE_COURSES.columns}
    assert found["chance"].to_numpy() == pytest.approx(LOW) and found["spread"].to_numpy() == pytest.approx(0.02)
    assert len(found) == 2 * len(STEPS) * HEADS
    assert found.query("init_seed == 1 and step == 10 and layer == 1 and component == 0")["value"].item() == HIGH


def test_hidden_units_have_no_course_of_heads():
    units = network(0, course(None, None, 3, 3), score="frequency:1", kind="unit")
    other = network(0, course(None, None, 2, 2), score="frequency:2", kind="unit")
    frame = pd.concat([units, other])
    assert courses(frame).empty
    assert held_from(frame, holders(frame[frame["step"] == STEPS[-1]]), clear=2.0).empty
