"""How often a verdict or a reading is given whose hypothesis is just not true: simulations at the edge of each rule.

Each uses the functions behind the verdicts, on values that lie exactly where the rule's claim begins to be false. Rules
that ask for several things at once err less often than nominal, so these shares have an upper bound alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.calibration.shares import STUDY, share
from workflow_scripts.ticketlab.core import readings, statistics
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.settings.calibration.statistics import StatisticsCalibrationSettings
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import best_rates, kinds, roles, strong_form
from workflow_scripts.ticketlab.verdicts.comparisons import (
    CHANGES,
    DECISIVE_CONTROLS,
    ROLES,
    STRUCTURE,
    SUPERMASKS,
    TICKETS,
)
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, SUPPORTS
from workflow_scripts.ticketlab.verdicts.tickets import ticket_cells, winning_cells
from workflow_scripts.ticketlab.verdicts.transience import transience

CERTAIN = 100.0  # an effect, in standard deviations, that every test finds
MARGIN = 1.0  # of non-inferiority and thresholds, in standard deviations: where it lies does not matter
LAST_STEP = 1
LOW, HIGH = 0.25, 0.75  # bounds of doses: where they lie does not matter
CHANGING = 0.5  # of initialisations: JudgingSettings.changing
SPREAD = 0.1  # of shares and losses, in their unit: it does not matter either
RATES = 3  # learning rates that a network is tried at: those of config.yaml's `pruning.rates`
SHARED = (0.5, 1.0)  # correlations of a network's losses on validation and test, about their means


# Holm's adjustment and the verdict "winning".


def families(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """The rates at which Holm's adjustment rejects a true hypothesis and the verdict calls a false winner.

    Among m true hypotheses with independent and so uniform p-values, next to others that are certainly rejected, at
    least one is rejected with probability 1 − (1 − α/m)^m. This is exact for Holm's adjustment. No adjustment,
    Bonferroni's and that of Benjamini & Hochberg each give another value in one of the two cases.
    """
    count = settings.comparisons
    for case, m in (("all true", count), ("half true", count // 2)):
        p = np.zeros((settings.simulations, count))
        p[:, :m] = generator(STUDY, "Holm", 0, case).random((settings.simulations, m))
        wrong = [min(statistics.holm(family)[:m]) < settings.alpha for family in p.tolist()]
        exact = 1 - (1 - settings.alpha / m) ** m
        yield share("Holm", case, "family error", wrong, exact, settings, x=count)
    # Tickets that match dense and are better than shuffled networks by exactly the margin do not win, nor do tickets
    # that are worse than dense by exactly the margin, whatever their controls do.
    effects = np.tile([CERTAIN, 0.0], count // 2)
    nulls = {
        "one control beaten": simulated_verdicts(effects, "false winning", settings),
        "worse than dense by the margin": worse_tickets(settings),
    }
    for case, simulated in nulls.items():
        won = [cells.any() for cells in simulated]
        yield share("verdict", case, "false winning", won, settings.alpha, settings, "at most", x=count)
    # Masks of untrained networks that are worse than dense by exactly the margin neither match nor are all worse.
    masks = [masks_on_the_margin(index, settings) for index in range(settings.verdict_simulations)]
    for fault, word in (("false matching", SUPPORTS), ("false refutation", REFUTES)):
        found = [decision == word for decision in masks]
        yield share("strong form", "worse by the margin", fault, found, settings.alpha, settings, "at most", x=count)


# The other verdicts and the readings, each where its hypothesis is just true.


def rules(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """How often a verdict or a reading is given that is just not true."""
    count = settings.verdict_simulations
    random = generator(STUDY, "rules", 0)
    for case, rate, wrong in (("no role changes", settings.alpha, REFUTES), ("half change", CHANGING, SUPPORTS)):
        hits = random.binomial(settings.seeds, rate, (count, settings.structures))
        found = [existence(row, settings) == wrong for row in hits.tolist()]
        yield share("T2, existence", case, f"false: {wrong}", found, settings.alpha, settings, "at most")
    for part in ("acquired", "beyond path", "retained"):
        found = [lost_at_a_bound(part, noise, settings) for noise in _of_structures(random, settings)]
        yield share("T3, lost", f"{part} at its bound", "false loss", found, settings.alpha, settings, "at most")
    for part in ("beyond path", "forgotten"):
        found = [detour_at_a_bound(part, noise[0], settings) for noise in _of_structures(random, settings)]
        yield share("T3, detour", f"{part} at its bound", "false detour", found, settings.alpha, settings, "at most")
    for side, bound, dose in ((readings.LATENT, HIGH, HIGH), (readings.BUILT, LOW, LOW)):
        noise = random.standard_normal((settings.simulations, settings.seeds))
        found = [_read(values + dose, settings) == side for values in noise]
        level = settings.alpha / 2
        yield share(
            "reading", f"{side}, dose at its bound", "false reading", found, level, settings, "at most", x=bound
        )
    for side, loss in ((readings.LATENT, MARGIN), (readings.BUILT, MARGIN)):
        noise = SPREAD * random.standard_normal((settings.simulations, settings.seeds))
        doses = (statistics.mean_interval(values + loss, settings.alpha) for values in noise)
        found = [readings.gap((*astuple(dose)[:3], dose.n), MARGIN)[0] == side for dose in doses]
        level = settings.alpha / 2
        yield share("reading", f"{side}, loss of δ", "false reading", found, level, settings, "at most", x=loss)


def chosen_rates(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """How often the choice of a learning rate makes a ticket match dense, or beat a control, where it just does not.

    Each network is judged on test at the rate of its least validation loss. What luck a network has on validation it
    has in part on test too, so the chosen rate looks better than it is. If the rates are alike for both networks, both
    gain. If they are alike for the ticket and the other has one good rate, the ticket alone gains: the least favourable
    case, which is reported. x: the correlation of a network's losses on the two splits about their means, at most 1.
    """
    required = "both choose among like rates"
    for correlation in SHARED:
        for case, others in ((required, RATES), ("the ticket alone gains by choosing", 1)):
            random = generator(STUDY, "rates", 0, case, correlation)
            ticket, other = (at_chosen_rates(random, rates, correlation, settings) for rates in (RATES, others))
            noise = (ticket - other) / np.sqrt(2)
            matched = [statistics.not_worse(MARGIN + v, MARGIN, settings.alpha).p < settings.alpha / 2 for v in noise]
            beaten = [statistics.not_worse(v - MARGIN, -MARGIN, settings.alpha).p < settings.alpha for v in noise]
            for fault, found in (("false matching", matched), ("false winning", beaten)):
                options = {"x": correlation, "required": case == required}
                yield share("best rates", case, fault, found, settings.alpha, settings, "at most", **options)


def at_chosen_rates(
    random: np.random.Generator, rates: int, correlation: float, settings: StatisticsCalibrationSettings
) -> np.ndarray:
    """Test losses (simulations, seeds) at the rate that best_rates.best chooses of so many that are alike in truth."""
    shape = (settings.simulations, rates, settings.seeds)
    common, *own = random.standard_normal((3, *shape))
    index = pd.MultiIndex.from_product(map(range, shape), names=["level", "rate", "init_seed"])
    parts = []
    for split, noise in zip(("validation", "test"), own, strict=True):
        values = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * noise
        parts.append(pd.DataFrame({"value": values.ravel()}, index).reset_index().assign(split=split))
    networks = pd.concat(parts).assign(variant="", rewind_step=0, metric="loss")
    chosen = best_rates.best(networks).query("split == 'test'").sort_values(["level", "init_seed"])
    return chosen["value"].to_numpy().reshape(shape[0], shape[2])


def existence(hits: Sequence[int], settings: StatisticsCalibrationSettings) -> str:
    """T2's verdict where as many initialisations change each of the study's roles (roles.changing_roles)."""
    n = settings.seeds
    rows = [
        {
            "test": ROLES,
            "quantity": CHANGES,
            "contrast": "same_init",
            "step": 0,
            "score": str(role),
            "estimate": count / n,
            "p": statistics.at_least(count, n, settings.alpha),
            "n": n,
        }
        for role, count in enumerate(hits)
    ]
    judging = JudgingSettings(margin=MARGIN, alpha=settings.alpha, changing=CHANGING)
    (answer,) = roles.changing_roles(pd.DataFrame(rows), judging)
    return str(answer["decision"])


def lost_at_a_bound(part: str, noise: np.ndarray, settings: StatisticsCalibrationSettings) -> bool:
    """Whether T3 calls a study's structures lost if `part` is just at its bound in each, and the rest is certain.

    noise: of the part in each structure, (structures, seeds).
    """
    answer = [row for row in _judged_structures(part, noise, settings) if row["kind"] == kinds.TRANSIENCE]
    return bool(answer[0]["decision"] == REFUTES)


def detour_at_a_bound(part: str, noise: np.ndarray, settings: StatisticsCalibrationSettings) -> bool:
    """The same of one structure's detour; noise: (seeds,)."""
    (row,) = (row for row in _judged_structures(part, noise[None], settings) if row["kind"] == kinds.DETOUR)
    return str(row["reason"]).startswith("a detour")


def _judged_structures(part: str, noise: np.ndarray, settings: StatisticsCalibrationSettings) -> list[dict]:
    judging = JudgingSettings(margin=MARGIN, alpha=settings.alpha)
    bounds = {
        "acquired": judging.acquired,
        "beyond path": judging.detour,
        "forgotten": judging.forgotten,
        "retained": judging.retained,
    }
    rows = []
    for structure, values in enumerate(noise):
        for name, bound in bounds.items():
            sign = -1 if name == "retained" else 1
            shares = bound + SPREAD * values if name == part else bound + sign * (CERTAIN + SPREAD * values)
            test = statistics.not_worse if name == "retained" else statistics.exceeds
            what = {"test": STRUCTURE, "contrast": name, "quantity": str(structure), "step": 0}
            rows.append(what | vars(test(shares, bound, settings.alpha)))
    return list(transience(pd.DataFrame(rows), judging))


def _of_structures(random: np.random.Generator, settings: StatisticsCalibrationSettings) -> np.ndarray:
    return random.standard_normal((settings.verdict_simulations, settings.structures, settings.seeds))


def _read(values: np.ndarray, settings: StatisticsCalibrationSettings) -> str:
    found = statistics.mean_interval(values, settings.alpha)
    return readings.side((found.estimate, found.ci_low, found.ci_high, found.n), LOW, HIGH)[0]


def simulated_verdicts(
    effects: np.ndarray, purpose: str, settings: StatisticsCalibrationSettings
) -> Iterator[np.ndarray]:
    """The tickets that win, (tickets,) for each simulation.

    effects: by how much they are better than their controls beyond the margin.
    """
    matching = Estimate(0.0, -0.1, 0.1, 0.0, settings.seeds)
    for noise in differences(purpose, settings.verdict_simulations, settings.comparisons // 2, settings):
        tests = [
            statistics.not_worse(values - MARGIN - effect, -MARGIN, settings.alpha)
            for values, effect in zip(noise, effects, strict=True)
        ]
        yield winning(tests, [matching] * (len(tests) // 2), settings)


def worse_tickets(settings: StatisticsCalibrationSettings) -> Iterator[np.ndarray]:
    """The same if each is worse than dense by exactly the margin and certainly better than its controls."""
    certain = Estimate(-CERTAIN, -CERTAIN - 0.1, -CERTAIN + 0.1, 0.0, settings.seeds)
    tickets = settings.comparisons // 2
    shape = (settings.verdict_simulations, tickets, settings.seeds)
    for noise in generator(STUDY, "worse than dense", 0).standard_normal(shape):
        against_dense = [statistics.not_worse(MARGIN + values, MARGIN, settings.alpha) for values in noise]
        yield winning([certain] * (2 * tickets), against_dense, settings)


def differences(purpose: str, simulations: int, tickets: int, settings: StatisticsCalibrationSettings) -> np.ndarray:
    """Differences to both controls of each ticket in turn, (simulations, 2 · tickets, seeds): standard normal.

    The two of a ticket correlate by 1/2, like differences to independent controls with the spread of the ticket.
    """
    random = generator(STUDY, purpose, 0)
    ticket = random.standard_normal((simulations, tickets, 1, settings.seeds))
    control = random.standard_normal((simulations, tickets, 2, settings.seeds))
    return ((ticket - control) / np.sqrt(2)).reshape(simulations, 2 * tickets, settings.seeds)


def winning(
    tests: Sequence[Estimate], against_dense: Sequence[Estimate], settings: StatisticsCalibrationSettings
) -> np.ndarray:
    """The tickets for which T1's verdict is that the hypothesis holds: tickets.ticket_cells, then winning_cells.

    tests: "better by more than the margin" than both controls of each ticket in turn; against_dense: non-inferiority.
    """
    judging = JudgingSettings(margin=MARGIN, alpha=settings.alpha)
    rows = []
    for ticket in range(len(tests) // 2):
        against = dict(zip(DECISIVE_CONTROLS, tests[2 * ticket : 2 * ticket + 2], strict=True)) | {
            "dense": against_dense[ticket]
        }
        at = {"rewind_step": 0, "level": ticket + 1, "density": 0.5 ** (ticket + 1), "step": LAST_STEP}
        for name, result in against.items():
            what = {"test": TICKETS, "quantity": judging.metric, "contrast": f"ticket - {name}"}
            rows.append(what | at | vars(result))
    cells = ticket_cells(pd.DataFrame(rows), judging, LAST_STEP)
    return cells.index.isin(winning_cells(cells, judging, kinds.WINNING_TICKET).index)


def masks_on_the_margin(index: int, settings: StatisticsCalibrationSettings) -> str:
    """The strong form's answer in a licensed study whose masks are all worse than dense by exactly the margin.

    There are `comparisons` masks. Their differences to dense correlate by 1/2: all have the dense network in common.
    """
    judging = JudgingSettings(margin=MARGIN, alpha=settings.alpha)
    random = generator(STUDY, "strong form", index)
    dense = random.standard_normal(settings.seeds)
    rows = []
    for level in range(settings.comparisons):
        worse = MARGIN + (random.standard_normal(settings.seeds) - dense) / np.sqrt(2)
        results = {
            "dense": statistics.not_worse(worse, MARGIN, settings.alpha),
            "random mask": Estimate(-CERTAIN, -CERTAIN, -CERTAIN, 0.0, settings.seeds),
        }
        for other, result in results.items():
            what = {"test": SUPERMASKS, "contrast": f"supermask_kaiming_x2 - {other}", "level": level, "density": 0.5}
            rows.append(what | vars(result) | {"other_rate": 1.0})
    found = strong_form.masks(pd.DataFrame(rows), judging)
    (answer,) = strong_form.strong_form(found, judging, ("a licence", {"kaiming"}))
    return str(answer["decision"])
