"""docs/results.md and README's answer say what the tables in docs/reference say, and hold no number typed by hand."""

import ast
import random
import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pandas as pd
import pytest
import yaml
from matplotlib.axes import Axes

from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.report import words
from workflow_scripts.ticketlab.report.figures import style
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, SUPPORTS, VERDICTS
from workflow_scripts.ticketlab.verdicts.tickets import WINNING
from workflow_scripts.tools import answer_figure, results_page
from workflow_scripts.tools.results_page import facts, render

ORDER = list(yaml.safe_load((results_page.ROOT / "config.yaml").read_text())["studies"])
TEMPLATES = sorted(results_page.TEMPLATES.glob("*.j2"))
# What may be typed: names of tests and predictions, years, arXiv numbers, the level of the intervals.
TYPED = r"\bT[1-3]\b|\bP[1-8]\b|\b(?:19|20)\d\d\b|\barXiv:\d{4}\.\d{5}\b|\b95 %"


@pytest.fixture
def frames() -> dict[str, pd.DataFrame]:
    return results_page.read_all(results_page.REFERENCE)


def both(frames: dict[str, pd.DataFrame]) -> str:
    return "\n".join(render(frames, ORDER, template.name) for template in TEMPLATES)


@pytest.mark.parametrize("path", [results_page.README, results_page.PAGE], ids=lambda path: path.name)
def test_the_page_is_what_the_tables_give(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == results_page.pages()[path], "run make reference, or results_page.write()"


def typed(source: str) -> Iterator[str]:
    """The texts and the literals of a template; whole numbers in expressions, which count and index, aside."""
    for _, kind, text in jinja2.Environment(line_statement_prefix="%%").lex(source):
        if kind in ("data", "string", "float"):
            yield re.sub(TYPED, "", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_number_is_typed_in_a_template(template: Path) -> None:
    assert [text for text in typed(template.read_text(encoding="utf-8")) if re.search(r"\d", text)] == []


def test_a_number_that_is_typed_is_found() -> None:
    for source in ("kept 34 %", "{{ '0.03' }}", "{% if x %}0.5{% endif %}", "{{ 0.03 }}", "%% set x = '3 %'\n", "T12"):
        assert any(re.search(r"\d", text) for text in typed(source)), source
    allowed = "T1, P8 and 95 % of 2024 (arXiv:2402.02364) {{ rows[0] }}"
    assert not any(re.search(r"\d", text) for text in typed(allowed))


def test_no_number_is_typed_in_the_sentences_of_the_tool() -> None:
    tree = ast.parse(Path(results_page.__file__).read_text(encoding="utf-8"))
    documented = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))]
    docstrings = {ast.get_docstring(node, clean=False) for node in documented}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    formats = {"{:.3g}", ".3g", ".0f", "0"}  # 0 is how zero is written
    sentences = {re.sub(r"utf-8|\.j2|\\\d", "", text) for text in texts - docstrings - formats}
    assert {text for text in sentences if re.search(r"\d", text)} == set()


@pytest.mark.parametrize("seed", range(20))
def test_any_decisions_and_missing_numbers_make_pages(
    frames: dict[str, pd.DataFrame], seed: int, tmp_path: Path
) -> None:
    """Whatever a later run decides, there is a page, and it names each decision of the main claims."""
    chance = random.Random(seed)
    verdicts = frames["verdicts"]
    cells = (WINNING, "matching", "neither", INCONCLUSIVE)
    verdicts["decision"] = [chance.choice(cells if kind == kinds.TICKET else VERDICTS) for kind in verdicts["kind"]]
    for frame, share in ((verdicts, 0.3), (frames["predictions"], 0.3), (frames["clock"], 0.5)):
        lost = [chance.random() < share for _ in range(len(frame))]
        for column in frame.columns.intersection(["estimate", "dose", "step", "ci_low", "ci_high"]):
            frame.loc[lost, column] = float("nan")
    frames["predictions"]["verdict"] = [
        chance.choice(["latent", "built", "mixed"]) for _ in frames["predictions"].index
    ]
    frames["calibration"]["passed"] = [chance.random() < 0.5 for _ in frames["calibration"].index]
    page = both(frames)
    assert "nan" not in page
    style.save(answer_figure.figure(facts(frames, ORDER)), [tmp_path / "answer.svg"])
    for decision in set(verdicts.loc[verdicts["kind"] == kinds.WINNING_TICKET, "decision"]):
        assert f"*{decision}*" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert rows and all(line.endswith("|") for line in rows)


def test_the_figure_draws_the_tables_numbers(frames: dict[str, pd.DataFrame]) -> None:
    known = facts(frames, ORDER)
    drawn = answer_figure.figure(known)
    tickets, masks, roles, structures = drawn.axes
    points = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in roles.get_lines()
        if line.get_marker() == "o"
    }
    studies = known["studies"]
    assert points == {(row["estimate"], studies.index(row["study"])) for row in known["changing"]}
    assert filled(roles, "o") == sum(row["decision"] in (SUPPORTS, REFUTES) for row in known["changing"])
    assert filled(structures, "D") == sum(row["lost"] for row in known["structures"])
    assert filled(masks, "P") == sum(row["decision"] in (SUPPORTS, REFUTES) for row in known["strong_form"])
    from_the_start = {row["study"] for row in known["tickets"] if row["won"] and row["rewind_step"] == 0}
    assert filled(tickets, "o") == len(from_the_start)  # rewound tickets are hollow
    without = [study for study in studies if not any(row["won"] and row["study"] == study for row in known["tickets"])]
    assert sorted(text.get_position()[1] for text in tickets.texts) == sorted(map(studies.index, without))


def filled(axes: Axes, marker: str) -> int:
    return sum(line.get_markerfacecolor() != "white" for line in axes.get_lines() if line.get_marker() == marker)


def test_one_study_alone_makes_pages(frames: dict[str, pd.DataFrame]) -> None:
    study = frames["verdicts"]["study"].iloc[0]
    alone = {name: frame[frame["study"] == study] if "study" in frame else frame for name, frame in frames.items()}
    page = both(alone)
    assert {other for other in frames["verdicts"]["study"] if f"| `{other}`" in page} == {study}


def test_sentences_follow_the_decisions(frames: dict[str, pd.DataFrame]) -> None:
    verdicts = frames["verdicts"]
    main = verdicts["kind"].isin([kinds.WINNING_TICKET, kinds.TRANSIENCE])
    studies = facts(frames, ORDER)["studies"]
    verdicts.loc[main, "decision"] = SUPPORTS
    answer = render(frames, ORDER, "answer.md.j2")
    assert re.search(rf"the verdict is \*{SUPPORTS}\* in `{studies[0]}`", " ".join(answer.split()))
    verdicts.loc[main & verdicts["study"].eq(studies[0]), "decision"] = REFUTES
    answer = " ".join(render(frames, ORDER, "answer.md.j2").split())
    assert f"*{REFUTES}* in `{studies[0]}`." in answer and f"*{SUPPORTS}* in `{studies[1]}`" in answer
    verdicts.loc[verdicts["kind"] == kinds.TICKET, "decision"] = "neither"
    assert "tickets that win" not in render(frames, ORDER, "answer.md.j2")
    verdicts.loc[verdicts["kind"] == kinds.TRANSIENT_STRUCTURE, "decision"] = INCONCLUSIVE
    assert "No structure is shown to be lost." in render(frames, ORDER, "results.md.j2")


def test_a_changed_number_changes_the_page(frames: dict[str, pd.DataFrame]) -> None:
    before = both(frames)
    for name, column in (("verdicts", "estimate"), ("predictions", "dose"), ("clock", "step"), ("clock", "ci_low")):
        changed = {**frames, name: frames[name].assign(**{column: frames[name][column] * 1.5 + 1})}
        assert both(changed) != before, f"{name}.{column}"


def test_a_ticket_below_one_that_does_not_match_is_not_listed(frames: dict[str, pd.DataFrame]) -> None:
    """The page's winners are those of the rule of T1: in sequence from the densest, at α/2 split over rewind steps."""
    alpha = results_page.JudgingSettings(margin=1.0).alpha
    rows = [{"kept": kept, "p": p} for kept, p in (("12", 0.0), ("50", 0.0), ("25", 0.8 * alpha / 4))]
    assert [row["kept"] for row in results_page.in_sequence(rows, rewinds=2)] == ["50", "25", "12"]
    assert [row["kept"] for row in results_page.in_sequence(rows, rewinds=4)] == ["50"]
    known = facts(frames, ORDER)
    won = {row["study"] for row in known["tickets"] if row["won"]}
    claims = [*known["winning_ticket"], *known["rewound_ticket"]]
    assert won == {row["study"] for row in claims if row["decision"] == SUPPORTS}


def test_numbers_have_one_form() -> None:
    values = (0.0346, -0.00687, 1234.5, 0.0, -0.0, float("nan"))
    assert [words.number(value) for value in values] == ["0.0346", "−0.00687", "1234", "0", "0", "–"]
    row = {"estimate": -0.5, "ci_low": -1.0, "ci_high": 0.0}
    assert results_page.interval(row) == "−0.5 [−1, 0]"
    assert results_page.interval({"dose": 2.0, "ci_low": float("nan"), "ci_high": float("nan")}) == "2"
    assert results_page.listed(["a"]) == "a" and results_page.listed("abc") == "a, b and c"


def test_prose_is_wrapped_and_tables_are_not() -> None:
    long = "word " * 60
    page = results_page.wrapped(f"# Title\n\n{long}\n- {long}\n- item\n\n| a |\n|---|\n\n| {long}|\n| b |\nAfter it.\n")
    lines = page.splitlines()
    assert max(len(line) for line in lines if not line.startswith("|")) <= results_page.WIDTH
    table = lines.index("| a |")
    assert (
        lines[table + 1] == "|---|" and len(lines[table + 2]) > 200 and lines[table + 3 :] == ["| b |", "", "After it."]
    )


def test_the_answer_stands_between_its_marks() -> None:
    begin, end = results_page.BEGIN, results_page.END
    assert results_page.filled_in(f"a\n{begin}\nold\n{end}\nb\n", "new\n") == f"a\n{begin}\n\nnew\n\n{end}\nb\n"
    with pytest.raises(ValueError, match="must hold the lines"):
        results_page.filled_in("no marks", "new")


def test_the_positive_controls_are_the_last_calibrations_own() -> None:
    """Steps are compared where both were trained; a reference without these checks says nothing of them."""
    step, error = "early-stopping step less dense's", "test error at early stopping less the ticket's"
    checks = [
        ("classic", "ticket", step, 0.8, True),
        ("classic", "ticket", step, 0.2, True),
        ("classic", "reinitialised", step, 0.2, True),
        ("classic", "reinitialised", error, 0.2, True),
        ("classic", "ticket", f"{step}, mean over rounds", float("nan"), True),
        ("procedure", "some procedure", "sparse winning tickets, at least", float("nan"), False),
    ]
    rows = pd.DataFrame(checks, columns=["family", "case", "quantity", "x", "passed"])
    found = results_page.positive_controls(rows)
    assert [(row["case"], row["x"]) for row in found["classic_steps"]] == [("ticket", 0.2), ("reinitialised", 0.2)]
    assert found["classic"]["quantity"] == error
    assert [row["quantity"] for row in found["classic_mean"]] == [f"{step}, mean over rounds"]
    assert [row["case"] for row in found["procedures"]] == ["some procedure"]
    nothing = {"classic": None, "classic_steps": [], "classic_mean": [], "procedures": []}
    assert results_page.positive_controls(rows[:0]) == nothing
