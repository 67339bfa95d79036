"""The figure of the learning coefficient over scales: means of each kind of network, and no scale left out."""

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.report.figures import llc_scales

NBETAS = [30.0, 300.0]


def scales(study="example"):
    rows = [
        {"study": study, "variant": variant, "level": level, "init_seed": seed, "step": step, "nbeta": nbeta}
        for variant, level in (("dense", 0), ("ticket", 1), ("ticket", 2))
        for seed in range(3)
        for step in (0, 100)
        for nbeta in NBETAS
    ]
    frame = pd.DataFrame(rows)
    llc = frame["nbeta"] / (1 + frame["level"]) + frame["init_seed"] + 1000 * (frame["step"] == 0)
    return frame.assign(llc=llc, hessian=2 * llc, gaussian=3 * llc)


def test_a_panel_shows_the_mean_over_seeds_at_the_last_step_of_dense_networks_and_the_sparsest_tickets():
    drawn = llc_scales.figure(scales(), {"example": {"last_step": 100}})
    (axes,) = drawn.axes
    assert axes.get_title(loc="left") == "example"
    lines = {line.get_label(): line for line in axes.lines}
    assert len(lines) == 6
    np.testing.assert_allclose(lines["λ̂, dense"].get_xdata(), NBETAS)
    np.testing.assert_allclose(lines["λ̂, dense"].get_ydata(), [31, 301])
    np.testing.assert_allclose(lines["λ̂, sparsest ticket"].get_ydata(), [11, 101])


def test_what_is_not_above_0_is_left_out_and_each_study_has_a_panel():
    frame = pd.concat([scales(), scales("other").assign(hessian=-1.0)])
    drawn = llc_scales.figure(frame, {name: {"last_step": 100} for name in ("example", "other")})
    assert len(drawn.axes) == 2
    of_hessian = [line for line in drawn.axes[1].lines if "Hessian" in line.get_label()]
    assert all(len(line.get_xdata()) == 0 for line in of_hessian)
