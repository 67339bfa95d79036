"""Barriers: known heights on lines that were made, and on networks whose loss between them is known."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from workflow_scripts.ticketlab.core.random_streams import data_seed
from workflow_scripts.ticketlab.instruments import barriers
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.barriers import BARRIERS
from workflow_scripts.ticketlab.tasks.problem import Problem
from workflow_scripts.ticketlab.training.stack import Member, dense_members, spawned_members
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.verdicts import comparisons

FINITE = st.floats(-1e3, 1e3, width=32)


class Double(nn.Module):
    """x ↦ w x with one weight; its loss (double well) is highest half-way between w = −1 and w = 1."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs, gates=None):
        return self.weight * inputs, []


def double_well() -> Problem:
    inputs, targets = np.ones((5, 1), np.float32), np.zeros((5, 1), np.float32)
    metrics = {
        "loss": lambda w, _: (w.square() - 1).square().squeeze(-1),
        "error": lambda w, _: (w < 0).float().squeeze(-1),
    }
    return Problem(
        inputs=1, outputs=1, context=1, sample=None, evaluation={"test": (inputs, targets)}, metrics=metrics, extras={}
    )


def networks():
    dense = dense_members([3, 5])
    return [*dense, *spawned_members(dense, 0, 1), *spawned_members(dense, 7, 1)]


def test_each_child_is_paired_with_its_parent_and_each_init_with_the_next():
    members = networks()
    found = {
        (pair.split_step, pair.pair, members[pair.first], members[pair.second]) for pair in barriers.pairs_of(members)
    }
    three, five = members[:2]
    expected = {(0, "other_init", three, five), (0, "other_init", five, three)}
    for parent in (three, five):
        own, other = parent.data_seed, data_seed(parent.init_seed, 1)
        expected |= {
            (0, "replicate", parent, Member(parent.init_seed, own, "spawned", 0)),
            (0, "same_init", parent, Member(parent.init_seed, other, "spawned", 0)),
            (7, "same_init", parent, Member(parent.init_seed, other, "spawned", 7)),
        }
    assert found == expected


def test_one_initialisation_has_no_other():
    assert {pair.pair for pair in barriers.pairs_of(dense_members([0]))} == set()


@settings(deadline=None, max_examples=50)
@given(arrays(np.float64, (4, 7), elements=FINITE))
def test_a_barrier_is_not_negative_and_at_most_what_the_line_rises(values):
    height, place = barriers.barrier(values)
    assert (height >= 0).all() and (height <= np.ptp(values, axis=1) + 1e-9).all()
    assert ((place >= 0) & (place <= 1)).all()


@settings(deadline=None, max_examples=50)
@given(arrays(np.float64, (3, 7), elements=FINITE), st.floats(-100, 100), st.floats(-100, 100))
def test_what_is_linear_along_the_line_changes_no_barrier(values, start, end):
    tilted, _ = barriers.barrier(values + np.linspace(start, end, 7))
    assert tilted == pytest.approx(barriers.barrier(values)[0], abs=1e-8)


@pytest.mark.parametrize(
    ("line", "height", "place"),
    [([1, 2, 3, 4, 5], 0, 0), ([1, 4, 1, 1, 1], 3, 0.25), ([0, 0, 3, 4, 4], 1, 0.5), ([3, 1, 0, 1, 3], 0, 0)],
    ids=["straight", "hill", "hill beside a slope", "valley"],
)
def test_known_lines_have_known_barriers(line, height, place):
    found = barriers.barrier(np.array([line], dtype=float))
    assert (found[0].item(), found[1].item()) == (height, place)


def test_a_diverged_network_has_no_barrier():
    height, place = barriers.barrier(np.array([[1, np.nan, 1], [1, np.inf, 1], [np.nan, 1, 1], [1, 2, 1]]))
    assert np.isnan(height[:3]).all() and np.isnan(place[:3]).all() and height[3] == 1


def test_the_double_well_has_its_barrier_in_the_middle_and_a_replicate_none(tmp_path):
    members = networks()
    ends = torch.tensor([[1.0], [-1.0], [1.0], [-1.0], [-1.0], [1.0], [1.0], [1.0]])
    pairs = barriers.pairs_of(members)
    values = barriers.along_line(Study("test", double_well(), Double()), {"weight": ends}, pairs, points=9)
    assert {name: line.shape for name, line in values.items()} == dict.fromkeys(("loss", "error"), (len(pairs), 9))
    frame = barriers.rows("made", members, pairs, values)
    files.write(tmp_path / "barriers.parquet", BARRIERS, frame, {})
    loss = files.read(tmp_path / "barriers.parquet", BARRIERS).query("metric == 'loss'")
    by_pair = loss.groupby(["split_step", "pair", "init_seed"])["barrier"].first()
    assert by_pair[0, "replicate"].tolist() == [0, 0]
    assert by_pair[0, "same_init"].tolist() == [1, 1]  # from 1 to −1 over (w² − 1)²
    assert by_pair[7, "same_init"].tolist() == [0, 1]
    assert loss.loc[loss["barrier"] > 0, "place"].eq(0.5).all()
    assert frame.query("metric == 'error' and barrier > 0")["place"].isin([0.375, 0.625]).all()


def test_a_curve_is_the_mean_over_initialisations_of_their_orders():
    frame = pd.DataFrame(
        {
            "metric": "loss",
            "pair": "same_init",
            "split_step": 0,
            "init_seed": [0, 0, 1, 1],
            "barrier": [1.0, 3.0, 4.0, 4.0],
        }
    )
    (row,) = comparisons.barriers(frame, 0.05)
    assert (row["estimate"], row["n"], row["test"], row["contrast"]) == (3.0, 2, "barriers", "same_init")
