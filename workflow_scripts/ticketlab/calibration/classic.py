"""The check of pruning on the classic result: tickets stop early, re-initialised ones late.

Frankle & Carbin (2019, figures 1 and 4) train LeNet-300-100 on MNIST. The early-stopping step is that of the least
validation loss. Winning tickets reach it before the dense network does, the same masks on other initial weights after
it, and with a larger test error. That is what the project's own pruning must reproduce, at densities fixed in the
config, before a search that finds nothing elsewhere says anything.

Masks that know nothing of the training do not do so: a random mask slows training at any initialisation.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.calibration import checks
from workflow_scripts.ticketlab.calibration.ticket_studies import Bench, on_images, tickets
from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.settings.calibration.pruning import ClassicSettings
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.verdicts.comparisons import least_loss_steps

FAMILY = "classic"
TICKET, CONTROL = "ticket", "reinitialised"
STEP, ERROR = "early-stopping step less dense's", "test error at early stopping less dense's"
EARLIER = "early-stopping step less dense's, mean over rounds"
BETTER = "test error at early stopping less the ticket's"


def classic(settings: ClassicSettings) -> Iterator[dict]:
    """Rows of `calibration`: the signature of LeNet-300-100 on 5000 images of MNIST."""
    share = settings.held_out
    task = images.Settings(kind="images", source="mnist5k", validation_share=share, test_share=share)
    study = on_images("calibration classic", task, settings.hidden)
    bench = Bench(study, settings.training, settings.schedule, max(settings.levels))
    steps = sorted({*range(0, settings.training.steps, settings.record_every), settings.training.steps})
    seeds = range(settings.first_seed, settings.first_seed + settings.seeds)
    _, metrics = tickets(bench, seeds, steps, settings.levels, [CONTROL])
    yield from signature(metrics, settings)


def signature(metrics: pd.DataFrame, settings: ClassicSettings) -> Iterator[dict]:
    """Checks on the table `metrics` of dense networks, tickets of every round and their re-initialised controls.

    Required are that tickets stop before dense on the mean over all rounds up to the last of `levels`, a mean of each
    seed, and that there the control stops after dense and has a larger test error than the ticket.
    """
    dense_stop, dense_error = early_stopping(metrics[metrics["variant"] == "dense"])
    rows = metrics[metrics["variant"].isin([TICKET, CONTROL])]
    earlier, errors = {}, {}
    for (variant, level), group in rows.groupby(["variant", "level"]):
        stop, errors[variant, level] = early_stopping(group)
        later = statistics.mean_interval(stop - dense_stop, settings.alpha)
        of = {"case": variant, "x": group["density"].mean()}
        if variant == TICKET:
            earlier[level] = stop - dense_stop
            yield _row(of | {"quantity": STEP}, later, later.ci_high < 0)
        else:
            required = level == max(settings.levels)
            yield _row(of | {"quantity": STEP, "required": required}, later, later.ci_low > 0)
        worse = statistics.mean_interval(errors[variant, level] - dense_error, settings.alpha)
        yield _row(of | {"quantity": ERROR}, worse, variant == CONTROL or not worse.ci_low > 0)
    over_rounds = statistics.mean_interval(pd.DataFrame(earlier).mean(axis=1, skipna=False), settings.alpha)
    yield _row({"case": TICKET, "quantity": EARLIER, "required": True}, over_rounds, over_rounds.ci_high < 0)
    last = max(settings.levels)
    worse = statistics.mean_interval(errors[CONTROL, last] - errors[TICKET, last], settings.alpha)
    at = {"case": CONTROL, "x": rows.loc[rows["level"] == last, "density"].mean()}
    yield _row(at | {"quantity": BETTER, "required": True}, worse, worse.ci_low > 0)


def early_stopping(metrics: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """By seed: the first recorded step of the least validation loss, and the test error there."""
    curves = {
        split: rows.pivot(index="init_seed", columns="step", values="value").sort_index()
        for split, rows in (
            ("validation", metrics[metrics["split"].eq("validation") & metrics["metric"].eq("loss")]),
            ("test", metrics[metrics["split"].eq("test") & metrics["metric"].eq("error")]),
        )
    }
    stop = least_loss_steps(curves["validation"])
    error = {seed: np.nan if np.isnan(step) else curves["test"].loc[seed, step] for seed, step in stop.items()}
    return stop, pd.Series(error)


def _row(of: dict, found: Estimate, passed: bool) -> dict:
    """A difference with its interval, compared with 0."""
    of = {"instrument": "pruning", "family": FAMILY, "required": False, **of}
    interval = (found.ci_low, found.ci_high)
    return checks.row(of, 0.0, found.estimate, interval, float("nan"), found.n, passed)
