"""The figure of roles along training: the holders' courses in colour, and a map that says when and where."""

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.report.figures import role_courses

STEPS = [0, 10, 100]
KEYS = {"variant": "dense", "rewind_step": 0, "level": 0}


def courses(study="example", role="induction"):
    """Two seeds, two layers of two heads; head 1.1 of seed 0 and 1.0 of seed 1 rise to 0.6."""
    rows = [
        {"study": study, "init_seed": seed, "data_seed": seed, "step": step, "layer": layer, "component": head}
        for seed in (0, 1)
        for step in STEPS
        for layer in (0, 1)
        for head in (0, 1)
    ]
    frame = pd.DataFrame(rows)
    risen = frame["layer"].eq(1) & frame["component"].ne(frame["init_seed"]) & frame["step"].eq(100)
    return frame.assign(role=role, value=np.where(risen, 0.6, 0.1), chance=0.1, spread=0.02, **KEYS)


def held(study="example", role="induction"):
    """Of seed 0 alone, from step 100 on."""
    one = {"study": study, "role": role, "init_seed": 0, "layer": 1, "component": 1, "step": 100}
    return pd.DataFrame([one])


def siblings(study="example", role="induction"):
    """Seed 0's other data orders: the first ends with the same head, the second with 0.0."""
    rows = [
        {
            "init_seed": 0,
            "data_seed": order,
            "layer": layer,
            "component": head,
            "variant": variant,
            "rewind_step": split,
        }
        for order, layer, head, variant, split in (
            (0, 1, 1, "dense", 0),
            (1001, 1, 1, "spawned", 0),
            (2001, 0, 0, "spawned", 0),
            (1001, 1, 0, "spawned", 30),
        )
    ]
    return pd.DataFrame(rows).assign(study=study, role=role)


def test_holders_are_in_colour_and_the_others_grey_with_chance_as_a_band():
    drawn = role_courses.figure(courses(), held(), siblings(), {"example": {"last_step": 100}})
    above, _ = drawn.axes
    coloured = [line for line in above.lines if line.get_color() != role_courses.GREY]
    assert len(above.lines) == 8 and len(coloured) == 1
    np.testing.assert_allclose(coloured[0].get_ydata(), [0.1, 0.1, 0.6])
    (band,) = above.patches
    np.testing.assert_allclose([band.get_y(), band.get_y() + band.get_height()], [0.06, 0.14])


def test_the_map_says_from_which_step_on_and_marks_the_heads_of_other_data_orders():
    drawn = role_courses.figure(courses(), held(), siblings(), {"example": {"last_step": 100}})
    _, below = drawn.axes
    assert [(text.get_text(), text.get_position()[0]) for text in below.texts] == [("100", 3)]
    circles = sorted(round(line.get_xdata()[0]) for line in below.lines if line.get_marker() == "o")
    assert circles == [0, 3]  # split at step 0 alone: one at 0.0, one at the holder, 1.1
    assert [label.get_text() for label in below.get_xticklabels()] == ["0.0", "0.1", "1.0", "1.1"]


def test_each_study_has_its_roles_and_one_without_heads_says_so():
    two = pd.concat([courses(), courses(role="previous_token"), courses("other")])
    settings = {name: {"last_step": 100} for name in ("example", "other", "units")}
    drawn = role_courses.figure(two, held(), siblings(), settings)
    assert [len(row.axes) for row in drawn.subfigs] == [4, 2, 2]
    assert "no role of heads" in drawn.subfigs[2].axes[0].texts[0].get_text()
