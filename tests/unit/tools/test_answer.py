"""The answer of a run in the terminal: its table, what was learned, and what could decide an open verdict."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workflow_scripts.ticketlab.config import study
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE, WITHHELD
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.tasks.language.lengths import Lengths
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.rows import STRONG_FORM, T1, T2, T3
from workflow_scripts.ticketlab.verdicts.tickets import MATCHING, NEITHER
from workflow_scripts.tools import answer
from workflow_scripts.tools.results_page import REFERENCE, read

ROOT = Path(__file__).parents[3]


def test_the_table_has_the_verdict_of_each_study_on_each_test() -> None:
    rows = [
        ("a", T1, kinds.WINNING_TICKET, "supports LTH", 0.01, 0.0, 0.02),
        ("a", T1, kinds.REWOUND_TICKET, "inconclusive", 0.1, 0.0, 0.2),
        ("a", T1, kinds.TICKET, "winning", 0.5, 0.4, 0.6),
        ("a", STRONG_FORM, kinds.SUPERMASK, "neither", 3.0, 2.0, 4.0),
        ("a", STRONG_FORM, kinds.STRONG_FORM, "refutes LTH", 2.0, 1.0, 3.0),
        ("bc", T2, kinds.ROLES_CHANGE, "inconclusive", float("nan"), float("nan"), float("nan")),
    ]
    columns = ["study", "test", "kind", "decision", "estimate", "ci_low", "ci_high"]
    assert answer.table(pd.DataFrame(rows, columns=columns)).splitlines() == [
        "study  test                 verdict       estimate [95 % interval]",
        "a      T1 strong form       refutes LTH   2 [1, 3]",
        "       T1 tickets           supports LTH  0.01 [0, 0.02]",
        "       T1 tickets, rewound  inconclusive  0.1 [0, 0.2]",
        "bc     T2 roles             inconclusive  –",
    ]


def test_the_table_of_the_default_run_fits_a_terminal() -> None:
    lines = answer.table(read(REFERENCE / "verdicts.csv", VERDICTS).drop_duplicates(["study", "kind"])).splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 100


def losses(begun: list[float], ended: list[float]) -> pd.DataFrame:
    rows = [(seed, step, "test", "loss", loss) for step, at in ((0, begun), (9, ended)) for seed, loss in enumerate(at)]
    return pd.DataFrame(rows, columns=["init_seed", "step", "split", "metric", "value"])


def test_what_was_learned_is_the_loss_between_those_of_the_predictors() -> None:
    found = answer.of_losses(losses([4.5, 4.4, 4.6], [2.9, 3.0, 3.1]), {"bigram": 2.5, "unigram": 3.4})
    assert found == "test loss 4.5 at θ₀, 3 at the end (predictors: unigram 3.4, bigram 2.5)"


def test_a_loss_and_its_margin_are_told_per_character_and_byte() -> None:
    """Symbols of two characters, one byte each."""
    lengths, judging = Lengths(characters=2.0, bytes=2.0), JudgingSettings(margin=0.02)
    told = answer.per_character(2 * math.log(2), judging, lengths)
    assert told == "per character 0.693 nats, δ 0.01 (1 bits per byte)"
    errors = JudgingSettings(margin=0.02, metric="error")
    assert "δ" not in answer.per_character(1.0, errors, lengths)


def config(**overrides: Any) -> Config:
    return study.load([ROOT / "config.yaml"], overrides)


def rows(*found: dict[str, Any]) -> pd.DataFrame:
    base = dict.fromkeys(VERDICTS.columns) | {"study": "text", "n": 5, "rewind_step": 0}
    return pd.DataFrame([base | row for row in found])


OPEN = {"test": T1, "kind": kinds.WINNING_TICKET, "decision": INCONCLUSIVE}


def ticket(decision: str, density: float = 0.3, detectable: float = 0.01) -> dict[str, Any]:
    return {"test": T1, "kind": kinds.TICKET, "density": density, "decision": decision, "detectable": detectable}


STEPS = config().studies["text"].training.steps
SEARCH = config().studies["text"].supermask.steps  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("found", "change"),
    [
        ([OPEN, ticket(INCONCLUSIVE, density=0.7)], "pruning.rounds: 2, control_levels: [2]"),
        # (detectable / δ)² times the seeds, in whole blocks
        ([OPEN, ticket(INCONCLUSIVE, detectable=1.5 * config().studies["text"].judging.margin)], "seeds: 15"),
        ([OPEN, ticket(MATCHING)], "tickets match, but do not win: pruning.rounds, for sparser ones"),
        (
            [{"test": STRONG_FORM, "kind": kinds.STRONG_FORM, "decision": INCONCLUSIVE}],
            f"supermask.steps: {2 * SEARCH}",
        ),
        (
            [{"test": T2, "kind": kinds.ROLES_CHANGE, "decision": INCONCLUSIVE, "n": 0}],
            f"training.steps: {2 * STEPS}",
        ),
        ([{"test": T3, "kind": kinds.TRANSIENCE, "decision": INCONCLUSIVE, "n": 0}], f"training.steps: {2 * STEPS}"),
    ],
)
def test_an_open_verdict_says_the_smallest_change_that_could_decide_it(
    found: list[dict[str, Any]], change: str
) -> None:
    table = rows(*found)
    assert answer.proposal(table.iloc[0].to_dict(), table, {}, config(), True)[1] == change


def licensing(**overrides: Any) -> str:
    """The proposal where no ticket of `text` matches and nothing licenses that."""
    table = rows(OPEN, ticket(NEITHER))
    return answer.proposal(table.iloc[0].to_dict(), table, {}, config(**overrides), True)[1]


def test_a_study_of_the_same_procedure_that_is_not_in_the_run_is_to_be_added() -> None:
    same = {"text": {"licensed_by": "again"}, "again": {"extends": "text"}}
    assert licensing(run=["text"], studies=same) == "add again to run"
    assert licensing(studies=same) == "another procedure that wins"


def test_a_study_of_another_procedure_licenses_nothing_and_is_not_proposed_as_it_is() -> None:
    assert licensing(run=["text"]).startswith("the procedure of digits (its pruning scope is layerwise, here global")


def test_a_procedure_is_tried_only_if_a_study_is_named() -> None:
    assert licensing(studies={"text": {"licensed_by": None}}) == (
        "licensed_by: a study (its procedure is then tried on digits)"
    )


def test_networks_that_learned_nothing_come_before_all_else_but_the_instruments() -> None:
    row = rows(OPEN).iloc[0].to_dict()
    reason, change = answer.proposal(row, rows(OPEN), {}, config(), False)
    assert (reason, change) == ("the dense networks learned nothing", f"training.steps: {2 * STEPS}")
    failed = {"pruning": "out"}
    withheld = row | {"decision": WITHHELD}
    assert answer.proposal(withheld, rows(OPEN), failed, config(), False)[1] == "the report says which check failed"
    changed = config(calibration={"structure": {"simulations": 4}})
    withheld |= {"test": T3}
    reason, change = answer.proposal(withheld, rows(OPEN), {"structure": "out"}, changed, False)
    assert reason == "out of calibration: structure" and change.startswith("calibration of structure as in config.yaml")


def test_more_initialisations_are_proposed_where_few_have_a_clear_holder() -> None:
    row = rows({"test": T2, "kind": kinds.ROLES_CHANGE, "decision": INCONCLUSIVE, "n": 3, "estimate": 0.4}).iloc[0]
    reason, change = answer.proposal(row.to_dict(), rows(OPEN), {}, config(), True)
    assert reason == "only 3 of 5 initialisations have a clear holder"
    assert change.startswith("seeds: ") and int(change.split()[1]) % 5 == 0


def test_without_verdicts_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(TicketlabError, match="holds no verdicts yet; make status says"):
        answer.main(["--cores", "1", "--config", f"results={tmp_path}"], why=False)
