"""Rows of table `calibration` for λ̂ where it depends on the point: strata of reduced-rank regression, and a model with
minima of two kinds.

Localisation keeps the chains at w*. Where γ is too small, they reach points of another λ: the rows over γ show how far
it may fall.
"""

from collections.abc import Sequence
from typing import Any

from workflow_scripts.ticketlab.calibration import checks, llc_runs, toy_losses
from workflow_scripts.ticketlab.core.statistics import mean_interval
from workflow_scripts.ticketlab.instruments import exact_coefficients
from workflow_scripts.ticketlab.settings.calibration.llc import LLCCalibrationSettings
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings

Measured = Sequence[tuple[NetworkSettings, llc_runs.Calls]]


def rank_rows(networks: Measured, settings: LLCCalibrationSettings) -> list[dict]:
    """λ̂ of deep linear networks is at least rank(H)/2 at this scale, nβ/(nβ + γ) times it: singular values are 1."""
    rows = []
    for network, calls in networks:
        bound = toy_losses.half_rank(*llc_runs.deep_linear(network)) * settings.nbeta
        bound /= settings.nbeta + settings.localization
        for step, frame in calls.by_step.items():
            found = mean_interval(frame["llc"][frame["flag"] == ""], settings.strict_alpha)
            of: dict[str, Any] = {"instrument": "llc", "family": "half_rank", "case": str(network), "quantity": "llc"}
            of |= {"x": step, "widths": network.widths, "rank": network.rank, "flag": calls.flags(step)}
            rows.append(checks.at_least(of, bound, found.estimate, (found.ci_low, found.ci_high), found.n))
    return rows


def stratum_rows(settings: LLCCalibrationSettings) -> list[dict]:
    """λ̂ from points of several ranks compared with the closed form at each."""
    strata = settings.strata
    inputs, hidden, outputs = strata.widths
    widths, rows = (inputs, hidden, outputs), []
    goal = toy_losses.product(toy_losses.balanced_point(widths, strata.rank))[0]
    for first, last in strata.points:
        ranks = first, last
        truth = float(exact_coefficients.reduced_rank(widths, ranks, strata.rank)[0])
        start = toy_losses.at_ranks(widths, ranks, strata.rank)
        for step in strata.step_sizes:
            chosen = llc_runs.sampling(strata, step, strata.step_sizes)
            name = f"stratum {widths} {ranks}"
            frame = llc_runs.estimates(toy_losses.deep_linear(goal), start, chosen, strata.calls, name, settings.seed)
            calls = llc_runs.Calls({step: frame})
            kept = frame["llc"][frame["flag"] == ""]
            of: dict[str, Any] = {"x": step, "widths": strata.widths, "rank": strata.rank, "flag": calls.flags(step)}
            of |= {"instrument": "llc", "family": "stratum", "case": f"ranks {first}, {last}", "quantity": "llc"}
            estimate = float(kept.mean())
            rows.append(checks.within_tolerance(of, truth, estimate, settings.tolerance * truth, len(kept)))
    return rows


def two_minima_rows(settings: LLCCalibrationSettings) -> list[dict]:
    """λ̂ from the minimum of larger λ, against the law at each γ, and the share of the law that is elsewhere.

    The chains need only follow the law where it stays at w*: they do not cross the barrier between the minima.
    """
    minima, rows = settings.two_minima, []
    start = {"w": toy_losses.origin(2)["w"].clone()}
    start["w"][0, 0] = 1
    for pull in minima.localizations:
        law, beyond = toy_losses.two_minima_law(minima.nbeta, pull)
        of: dict[str, Any] = {"instrument": "llc", "family": "two_minima", "case": f"γ = {pull:g}", "x": pull}
        leak = {**of, "quantity": "share of the law elsewhere", "required": False}
        rows.append(checks.at_most(leak, minima.elsewhere, beyond))
        for step in minima.step_sizes:
            chosen = llc_runs.sampling(minima, step, minima.step_sizes).model_copy(update={"localization": pull})
            name = f"two minima {pull:g}"
            frame = llc_runs.estimates(toy_losses.two_minima, start, chosen, minima.calls, name, settings.seed)
            found = mean_interval(frame["llc"].dropna(), settings.strict_alpha)
            here = {
                **of,
                "quantity": "llc",
                "required": beyond <= minima.elsewhere,
                "flag": llc_runs.Calls({step: frame}).flags(step),
            }
            rows.append(checks.within_interval(here, law, found.estimate, (found.ci_low, found.ci_high), found.n))
    return rows
