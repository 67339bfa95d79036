"""Who holds a role, and whether another part does under another data order: tables of known holders."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.ticketlab.core.random_streams import CHAOS, data_seed
from workflow_scripts.ticketlab.instruments.role_holders import changes, holders

NETWORKS = [("dense", 0, 0), ("spawned", 0, 0), ("spawned", 1, 0), ("spawned", 2, 0), ("spawned", 1, 30), (CHAOS, 0, 0)]


def roles_of(values, kind="head", heads=2):
    """A `roles` table: values by (init, variant, order, split): {score: (probes, components)}."""
    rows = [
        (
            "s",
            init,
            data_seed(init, order),
            variant,
            split,
            0,
            9,
            probe,
            part // heads,
            kind,
            part % heads,
            score,
            value,
        )
        for (init, variant, order, split), by_score in values.items()
        for score, seen in by_score.items()
        for probe in (0, 1)
        for part, value in enumerate(seen[probe])
    ]
    columns = "study init_seed data_seed variant rewind_step level step probe layer kind component score value"
    return pd.DataFrame(rows, columns=columns.split())


def held_by(part, high=0.8, error=0.01):
    """Both probes' scores of four heads of which `part` has the role."""
    return np.where(np.arange(4) == part, high, 0.1) + error * np.array([[1, -1, 1, -1], [-1, 1, -1, 1]])


def study_of(parts, inits=3, score="induction"):
    """Networks of which `parts` of (init, network) holds the role: 0 unless named."""
    return roles_of(
        {
            (init, *network): {score: parts.get((init, index), held_by(0))}
            for init in range(inits)
            for index, network in enumerate(NETWORKS)
        }
    )


def changed(parts, pair="same_init", split=0, **settings):
    found = changes(holders(study_of(parts)), **({"clear": 2.0, "held": 0.2} | settings))
    found = found[found["pair"].eq(pair) & found["split_step"].eq(split)].set_index("init_seed")
    return found["changed"].to_dict()


def test_the_head_with_the_highest_score_holds_a_role_in_whatever_layer():
    row = holders(study_of({(0, 0): held_by(3)})).query("variant == 'dense' and init_seed == 0").iloc[0]
    assert (row["layer"], row["component"], row["key"]) == (1, 1, "induction")
    # 0.7 apart; the probes differ by 0.02, so one probe errs by 0.02/√2, and so does a difference of two means.
    assert row["value"] == pytest.approx(0.8) and row["lead"] == pytest.approx(0.7 / (0.02 / np.sqrt(2)))


def test_another_holder_in_one_of_two_data_orders_is_a_change_of_its_initialisation():
    assert changed({}) == {0: False, 1: False, 2: False}
    assert changed({(1, 3): held_by(2)}) == {0: False, 1: True, 2: False}
    assert changed({(1, 3): held_by(2)}, pair=CHAOS) == {0: False, 1: False, 2: False}
    assert changed({(1, 5): held_by(2)}, pair=CHAOS) == {0: False, 1: True, 2: False}
    assert changed({(1, 4): held_by(2)}, split=30) == {0: False, 1: True, 2: False}


def test_which_part_held_it_before_and_after():
    found = changes(holders(study_of({(1, 3): held_by(2)})), 2.0, 0.2).query("pair == 'same_init' and init_seed == 1")
    assert found[["before", "after"]].iloc[0].tolist() == ["0.0", "1.0"]


TIE = np.array([[0.50, 0.51, 0.1, 0.1], [0.52, 0.51, 0.1, 0.1]])  # the probes name different heads
NEAR = np.array([[0.50, 0.48, 0.12, 0.1], [0.53, 0.51, 0.1, 0.12]])  # the same, but by less than two errors


@pytest.mark.parametrize("unclear", [TIE, NEAR, held_by(2, high=0.19), np.full((2, 4), np.nan)])
def test_a_near_tie_a_weak_score_and_a_network_that_diverged_are_not_counted(unclear):
    assert changed({(0, 0): unclear}) == {1: False, 2: False}  # no holder in the dense network
    assert changed({(0, 2): unclear, (0, 3): unclear}) == {1: False, 2: False}  # nor in any on another data order
    assert changed({(0, 2): unclear}) == {0: False, 1: False, 2: False}  # one is left


def test_an_initialisation_whose_exact_replicate_differs_is_not_counted():
    parts = {(0, 1): held_by(2), (0, 2): held_by(2)}
    assert changed(parts) == {1: False, 2: False}
    assert changed(parts, pair="replicate") == {0: True, 1: False, 2: False}


def units(key, other=0.0):
    """Both probes' shares of three frequencies in four units: unit 1 has `key`, the others frequency 1 less clearly."""
    shares = np.full((3, 4), other)
    shares[0] += 0.3
    shares[:, 1] = other
    shares[key - 1, 1] = 0.9
    return {f"frequency:{k + 1}": shares[k] + 0.01 * np.array([[1], [-1]]) * (k - 1) for k in range(3)}


def test_a_unit_of_another_frequency_has_another_role():
    keys = {("dense", 0): 2, ("spawned", 0): 2, ("spawned", 1): 3}
    frame = roles_of({(0, v, o, 0): units(key) for (v, o), key in keys.items()}, kind="unit", heads=4)
    found = holders(frame)
    assert found["component"].eq(1).all() and found["role"].eq("frequency").all()
    row = changes(found, 2.0, 0.2).query("pair == 'same_init'").iloc[0]
    assert (row["changed"], row["before"], row["after"]) == (True, "2", "3")


def test_selectivity_is_a_share_of_the_variance():
    """A unit active on one of two equally frequent classes only: s = ±1, all of its variance."""
    seen = {f"selectivity:{c}": np.tile([sign, 0.1 * sign], (2, 1)) for c, sign in ((0, 1.0), (1, -1.0))}
    frame = roles_of({(0, "dense", 0, 0): seen}, kind="unit", heads=2)
    assert holders(frame)["value"].tolist() == [1.0] and holders(frame)["component"].tolist() == [0]


def test_a_model_of_which_no_such_role_is_scored_has_no_holders():
    frame = study_of({}, score="entropy")
    assert holders(frame).empty and changes(holders(frame), 2.0, 0.2).empty
