"""The answer of a finished run: verdicts, what was learned, what could decide what is open, the report's place.

What to change is a proposal from the verdicts' own numbers: the smallest change of the config that could decide.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.ticketlab.config import calibrations, rule_params, study
from workflow_scripts.ticketlab.config.study import Config, StudySettings
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE, WITHHELD
from workflow_scripts.ticketlab.core.statistics import detectable_share
from workflow_scripts.ticketlab.report import words
from workflow_scripts.ticketlab.report.answer import has_learned
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.data import DATA
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.tables.schemas.structure import STRUCTURE
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.tasks.language.lengths import Lengths, of_documents
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.judge import RESTS_ON
from workflow_scripts.ticketlab.verdicts.rows import ANSWERS
from workflow_scripts.ticketlab.verdicts.tickets import MATCHING, NEITHER
from workflow_scripts.ticketlab.verdicts.withheld import out_of_calibration
from workflow_scripts.tools import command

ROOT = Path(__file__).parents[2]
# More than this many times the seeds is no small change.
MOST = 8


def text(config: Config, *, why: bool = False) -> str:
    """The answer of a run of this config whose verdicts are made. why: with the whole reason of each verdict."""
    results = Path(config.results)
    verdicts = files.read(results / "verdicts.parquet", VERDICTS)
    shipped = study.load([ROOT / "config.yaml"], {})
    checks = files.read_many(calibrations.paths(config, shipped), CALIBRATION)
    failed, shown = out_of_calibration(checks), answers(verdicts)
    judged = {name: config.studies[name].judging.metric for name in config.names()}
    compared = files.read_many([results / name / "comparisons.parquet" for name in judged], COMPARISONS)
    anything = {name: has_learned(compared, name, metric) for name, metric in judged.items()}
    told = [f"{name}: {learned(config, name, found)}" for name, found in anything.items()]
    parts = [table(verdicts), "\n  ".join(["What the dense networks learned:", *told])]
    proposals = [
        (row["study"], row["name"], *proposal(row, verdicts, failed, config, anything[row["study"]]))
        for row in shown[shown["decision"].isin([INCONCLUSIVE, WITHHELD])].to_dict("records")
    ]
    if proposals:
        parts.append(aligned([("study", "test", "open, since", "what could decide it"), *proposals]))
    if why:
        parts.append("\n".join(f"{row['study']}, {row['name']}: {row['reason']}" for row in shown.to_dict("records")))
    if (results / "report.html").exists():
        parts.append(f"The report is {results}/report.html")
    return "\n\n".join(parts)


def answers(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The verdicts that answer a test for a study, in the order of the studies and tests, with the `name` of each."""
    mine = verdicts[verdicts["kind"].isin(ANSWERS)]
    order = mine["study"].map({name: place for place, name in enumerate(verdicts["study"].unique())})
    mine = mine.assign(order=order).sort_values(["order", "test"], kind="stable").drop(columns="order")
    return mine.assign(name=mine["test"] + mine["kind"].eq(kinds.REWOUND_TICKET).map({True: ", rewound", False: ""}))


def table(verdicts: pd.DataFrame) -> str:
    """The verdict of each study on each test, with its estimate and 95 % interval, in at most 100 columns."""
    shown = answers(verdicts).to_dict("records")
    rows = [(row["study"], row["name"], row["decision"], words.interval(row)) for row in shown]
    return aligned([("study", "test", "verdict", "estimate [95 % interval]"), *rows])


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows of text as columns, two spaces apart; a first cell that repeats the one above is left out."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    firsts = [None, *(row[0] for row in rows)]
    shown = [("" if row[0] == above else row[0], *row[1:]) for row, above in zip(rows, firsts, strict=False)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in shown)


def learned(config: Config, name: str, anything: bool) -> str:
    """The loss of a study's dense networks, from θ₀ to their end, on the split where the predictors' are known.

    anything: whether they learned anything, as the report says (report/answer.py).
    """
    folders = [Path(config.results, name, f"block{block}") for block in rule_params.blocks(config, name)]
    metrics, structure = ([folder / f"{file}.parquet" for folder in folders] for file in ("dense/metrics", "structure"))
    if not all(path.exists() for path in (*metrics, *structure)):
        return "its networks are not there"
    frame, split = files.read_many(metrics, METRICS), config.studies[name].structure.split
    floors = files.read_many(structure, STRUCTURE).groupby("structure")["reference_floor"].first().dropna().to_dict()
    if split not in set(frame["split"]):  # a further set of the task, on which networks are not evaluated
        split, floors = "test", {}
    mine = frame[frame["split"] == split]
    sentence = of_losses(mine, floors) if anything else f"nothing: {of_losses(mine, floors)}"
    lengths = _lengths(config, name, split)
    if lengths is None:
        return sentence
    losses = mine[mine["metric"] == "loss"]
    end = losses.loc[losses["step"] == losses["step"].max(), "value"].mean()
    return f"{sentence}; {per_character(end, config.studies[name].judging, lengths)}"


def _lengths(config: Config, name: str, split: str) -> Lengths | None:
    """Of the predicted symbols of a split, in a study of text whose data are there."""
    path = Path(config.results, name, "data.parquet")
    if config.studies[name].task.kind != "text" or not path.exists():
        return None
    data = files.read(path, DATA)
    tokeniser = files.facts(path, DATA)["facts"]["tokeniser"]
    return of_documents(tokeniser, data.loc[data["split"] == split, "tokens"])


def per_character(loss: float, judging: JudgingSettings, lengths: Lengths) -> str:
    """A loss in nats per symbol, and the margin if it is one of losses, as texts and tokenisers compare."""
    margin = f", δ {words.number(lengths.per_character(judging.margin))}" if judging.metric == "loss" else ""
    bits = words.number(lengths.bits_per_byte(loss))
    return f"per character {words.number(lengths.per_character(loss))} nats{margin} ({bits} bits per byte)"


def of_losses(metrics: pd.DataFrame, floors: Mapping[str, float]) -> str:
    """What dense networks learned that have these `metrics` on one split. floors: the loss of each predictor there."""
    losses = metrics[metrics["metric"] == "loss"].pivot(index="init_seed", columns="step", values="value")
    begun, ended = losses[losses.columns.min()], losses[losses.columns.max()]
    from_worst = sorted(floors, key=lambda name: -floors[name])
    between = [f"{words.spaced(name)} {words.number(floors[name])}" for name in from_worst]
    first, last = words.number(begun.mean()), words.number(ended.mean())
    sentence = f"{metrics['split'].iloc[0]} loss {first} at θ₀, {last} at the end"
    return sentence + (f" (predictors: {', '.join(between)})" if between else "")


def proposal(
    row: Mapping[str, Any], verdicts: pd.DataFrame, failed: Mapping[str, str], config: Config, anything: bool
) -> tuple[str, str]:
    """One short reason why this verdict is open, and the smallest change of the config that could decide it.

    row: one of `answers`; verdicts: the whole table; failed: the instruments out of calibration; anything: whether the
    dense networks learned anything.
    """
    settings = config.studies[row["study"]]
    mine = verdicts[verdicts["study"].eq(row["study"])]
    longer = f"training.steps: {2 * settings.training.steps}"
    if row["decision"] == WITHHELD:
        return _of_instrument([name for name in RESTS_ON[row["test"]] if name in failed], config)
    if not anything:
        return "the dense networks learned nothing", longer
    if settings.seeds < 2:
        return "one seed has no interval", "seeds: 5"
    match row["kind"]:
        case kinds.WINNING_TICKET | kinds.REWOUND_TICKET:
            return _of_tickets(row, mine, settings, config)
        case kinds.STRONG_FORM:
            return _of_masks(mine, settings)
        case kinds.ROLES_CHANGE:
            return _of_roles(row, settings, longer)
    spread = mine[mine["kind"].eq(kinds.TRANSIENT_STRUCTURE) & mine["decision"].eq(INCONCLUSIVE)]
    if spread["ci_low"].notna().any():
        return "the intervals are wide", f"seeds: {2 * settings.seeds}"
    return "nothing was clearly acquired and lost", longer


def _of_instrument(names: Sequence[str], config: Config) -> tuple[str, str]:
    shipped = study.load([ROOT / "config.yaml"], {}).calibration
    changed = [name for name in names if getattr(config.calibration, name) != getattr(shipped, name)]
    reason = f"out of calibration: {', '.join(names)}"
    if changed:
        return reason, f"calibration of {', '.join(changed)} as in config.yaml, not changed as here"
    return reason, "the report says which check failed"


def _of_tickets(row: Mapping[str, Any], mine: pd.DataFrame, settings: StudySettings, config: Config) -> tuple[str, str]:
    from_start = row["kind"] == kinds.WINNING_TICKET
    tickets = mine[mine["kind"].eq(kinds.TICKET) & mine["rewind_step"].eq(0).eq(from_start)]
    sparse = tickets[tickets["density"] <= settings.judging.sparse]
    if sparse.empty:
        rounds = math.ceil(math.log(settings.judging.sparse) / math.log(settings.pruning.schedule.keep) - 1e-9)
        reason = f"no ticket keeps {settings.judging.sparse:.0%} or less"
        return reason, f"pruning.rounds: {rounds}, control_levels: [{rounds}]"
    if sparse["decision"].eq(NEITHER).all():
        return "no ticket matches, but nothing licenses a negative", _of_licence(row["kind"], settings, config)
    open_ones = sparse[sparse["decision"].isin([INCONCLUSIVE, MATCHING])]
    return _of_spread(open_ones, settings, "tickets match, but do not win: pruning.rounds, for sparser ones")


def _of_licence(kind: str, settings: StudySettings, config: Config) -> str:
    """What could license it: the same procedure, where it finds a ticket of the same claim (settings/procedure.py)."""
    named = settings.licensed_by
    if named is None:
        tried = kind == kinds.WINNING_TICKET
        return f"licensed_by: a study {'(its procedure is then tried on digits)' if tried else 'of the same procedure'}"
    other = rule_params.procedure(settings).unlike(rule_params.procedure(config.studies[named]))
    if other:
        return f"the procedure of {named} ({', '.join(other)}), or another that wins"
    return "another procedure that wins" if named in config.names() else f"add {named} to run"


def _of_masks(mine: pd.DataFrame, settings: StudySettings) -> tuple[str, str]:
    found = mine[mine["kind"].eq(kinds.SUPERMASK)]
    if settings.supermask is None or max(settings.supermask.widths) == 1:
        return "the claim is about wider networks", "supermask.widths: [1, 2, 4]"
    further = f"supermask.steps: {2 * settings.supermask.steps}"
    return _of_spread(found[found["decision"].eq(INCONCLUSIVE)], settings, further)


def _of_spread(rows: pd.DataFrame, settings: StudySettings, otherwise: str) -> tuple[str, str]:
    """Seeds, if the intervals of these comparisons would then tell a difference as large as the margin."""
    detectable = rows["detectable"].max()
    needed = settings.seeds * (detectable / settings.judging.margin) ** 2 if len(rows) else math.nan
    if settings.seeds < needed <= MOST * settings.seeds:
        return "the seeds differ by more than the margin can tell", f"seeds: {_whole_blocks(needed, settings)}"
    return "not shown on either side of the margin", otherwise


def _of_roles(row: Mapping[str, Any], settings: StudySettings, longer: str) -> tuple[str, str]:
    if not row["n"]:
        return "no part holds a role clearly", longer
    alpha, seen = settings.judging.alpha, row["estimate"]
    enough = (n for n in range(int(row["n"]) + 1, MOST * int(row["n"]) + 1) if _is_seen(n, seen, settings))
    needed = next(enough, None)
    reason = f"only {row['n']:.0f} of {settings.seeds} initialisations have a clear holder"
    if seen <= alpha or needed is None:
        return reason, f"seeds: {2 * settings.seeds}"
    return reason, f"seeds: {_whole_blocks(needed * settings.seeds / row['n'], settings)}"


def _is_seen(count: int, share: float, settings: StudySettings) -> bool:
    judging = settings.judging
    return detectable_share(count, judging.alpha, judging.alpha, judging.power) <= share


def _whole_blocks(seeds: float, settings: StudySettings) -> int:
    return math.ceil(seeds / settings.block_size) * settings.block_size


def main(arguments: Sequence[str], *, why: bool) -> None:
    config = command.config_of(arguments)
    if not Path(config.results, "verdicts.parquet").exists():
        raise TicketlabError(f"{config.results}/ holds no verdicts yet; make status says how far the run is")
    print(text(config, why=why))
