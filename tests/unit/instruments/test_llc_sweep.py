"""The LLC at other settings: what is varied, and whether an order survives."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.ticketlab.instruments.llc_sweep import VARIED, grid
from workflow_scripts.ticketlab.report.figures import llc_sweep
from workflow_scripts.ticketlab.report.figures.llc_sweep import NETWORK, orderings
from workflow_scripts.ticketlab.settings.llc import LLCSettings

OWN = LLCSettings(learning_rate=1e-3, nbeta=30.0, localization=100.0)


def sweep(of: dict[float, list[float]], flags: dict[float, list[str]] | None = None) -> pd.DataFrame:
    """λ̂ of three networks by nβ."""
    rows = []
    for value, estimates in of.items():
        for seed, estimate in enumerate(estimates):
            flag = flags[value][seed] if flags and value in flags else ""
            keys = dict.fromkeys(NETWORK, 0) | {"variant": "dense", "init_seed": seed, "step": 10 * seed}
            rows.append(keys | {"varied": "nbeta", "value": value, "llc": estimate, "se": 0.1, "flag": flag})
    return pd.DataFrame(rows)


def test_one_setting_is_varied_at_a_time_and_the_own_one_is_among_its_values():
    found = list(grid(OWN, [0.5, 2.0]))
    assert [(name, value) for name, value, _ in found if name == "nbeta"] == [
        ("nbeta", 15.0),
        ("nbeta", 30.0),
        ("nbeta", 60.0),
    ]
    for name, value, settings in found:
        changed = {key for key in VARIED if getattr(settings, key) != getattr(OWN, key)}
        assert changed <= {name} and getattr(settings, name) == value
        assert bool(changed) == (value != getattr(OWN, name))


def test_an_order_that_is_kept_at_another_level_and_one_that_is_turned_round():
    result = orderings(sweep({30.0: [1.0, 2.0, 3.0], 60.0: [2.0, 4.0, 6.0], 15.0: [3.0, 2.0, 1.0]}), OWN)
    by_value = result.set_index("value")
    assert by_value.loc[30.0, ["tau", "level"]].tolist() == [1.0, 1.0]
    assert by_value.loc[60.0, ["tau", "level"]].tolist() == [1.0, 2.0]
    assert by_value.loc[15.0, "tau"] == -1.0


def test_flagged_estimates_are_counted_and_have_no_say():
    frame = sweep({30.0: [1.0, 2.0, 3.0], 60.0: [2.0, 4.0, -9.0]}, {60.0: ["", "", "negative"]})
    row = orderings(frame, OWN).set_index("value").loc[60.0]
    assert (row["tau"], row["level"], row["n"], row["flagged"]) == (1.0, 2.0, 2, 1)
    nothing = sweep({30.0: [1.0, 2.0, 3.0], 60.0: [2.0, 4.0, 9.0]}, {30.0: ["ess"] * 3})
    assert np.isnan(orderings(nothing, OWN)["tau"]).all()


@pytest.mark.parametrize("flagged", [False, True])
def test_the_figure_has_a_panel_for_each_setting_with_the_order_above_each_value(flagged):
    parts = [sweep({30.0: [1.0, 2.0, 3.0], 60.0: [2.0, 4.0, 6.0]}, {60.0: ["rhat"] * 3} if flagged else None)]
    frame = pd.concat([part.assign(varied=name) for part in parts for name in VARIED])
    figure = llc_sweep.figure(frame, orderings(frame, OWN), OWN, "example")
    assert [axes.get_xlabel() for axes in figure.axes] == [*llc_sweep.LABELS.values()]
    words = [text.get_text() for text in figure.axes[1].texts]
    assert words == (["τ = ?", "τ = ?"] if flagged else ["τ = 1.00", "τ = 1.00"]) or words[0] == "τ = 1.00"
