"""Estimates of the local learning coefficient and the draws behind them; llc_sweep holds estimates at other settings
than the study's own (instruments/llc_sweep.py)."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import of_networks

LLC_DRAWS = of_networks(
    "llc_draws",
    ("chain", "draw"),
    "estimate_llc",
    chain=pa.int32(),
    draw=pa.int32(),
    loss=pa.float32(),
    baseline=pa.float32(),
)

LLC = of_networks(
    "llc",
    (),
    "estimate_llc",
    llc=pa.float64(),
    se=pa.float64(),
    rhat=pa.float64(),
    ess=pa.float64(),
    init_loss=pa.float64(),
    parameters=pa.int32(),
    nbeta=pa.float64(),
    lr=pa.float64(),
    localization=pa.float64(),
    sampler=pa.string(),
    noise_share=pa.float64(),
    gaussian=pa.float64(),
    gaussian_se=pa.float64(),
    hessian=pa.float64(),
    hessian_se=pa.float64(),
    hessian_negative=pa.float64(),
    descent=pa.float64(),
    descent_se=pa.float64(),
    hessian_cost=pa.float64(),
    flag=pa.string(),
)

LLC_SCALES = of_networks(
    "llc_scales",
    ("nbeta",),
    "estimate_llc",
    nbeta=pa.float64(),
    localization=pa.float64(),
    llc=pa.float64(),
    se=pa.float64(),
    gaussian=pa.float64(),
    gaussian_se=pa.float64(),
    hessian=pa.float64(),
    hessian_se=pa.float64(),
    flag=pa.string(),
)

LLC_SWEEP = of_networks(
    "llc_sweep",
    ("varied", "value"),
    "sweep_llc",
    varied=pa.string(),
    value=pa.float64(),
    llc=pa.float64(),
    se=pa.float64(),
    flag=pa.string(),
)
