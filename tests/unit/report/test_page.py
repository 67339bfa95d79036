import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.unit.example_results import calibration_of, clock_of, example, judged, judging
from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config import study as configuration
from workflow_scripts.ticketlab.config.rule_params import FIGURES
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.report import page as report_page
from workflow_scripts.ticketlab.report.words import LIKE_CLAIMS, case_of, claim
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.comparisons import EMPTIED, LLC
from workflow_scripts.ticketlab.verdicts.kinds import OF_ONE_TICKET
from workflow_scripts.ticketlab.verdicts.predictions import predict
from workflow_scripts.ticketlab.verdicts.rows import ANSWERS, T1, T2, T3, VERDICTS

ROOT = Path(__file__).parents[3]
TEMPLATE = (ROOT / "workflow_scripts/ticketlab/report/page.html.j2").read_text(encoding="utf-8")
CAPTIONS = {file.stem: file.read_text() for file in (ROOT / "workflow_scripts/ticketlab/report/captions").glob("*.rst")}
ORIGIN = {"spec": "s", "code": "c0de", "lock": "10cc", "packages": {"torch": "2.0", "numpy": "1.0"}}
MAIN = {claim({"kind": kind}): kind for kind in ANSWERS}
NO_TIMES = pd.DataFrame(columns=["rule", "jobs", "wall", "cpu", "memory"])


@pytest.fixture(scope="module")
def config():
    """The default config with the two studies of `tables`."""
    return configuration.validate(
        yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")) | {"run": ["text", "digits"]}
    )


@pytest.fixture(scope="module")
def tables():
    """Comparisons and verdicts of two studies."""
    sections = {"text": judging(), "digits": judging("error", 0.02)}
    frame = pd.concat([example(name, section) for name, section in sections.items()], ignore_index=True)
    return frame, judged(frame, **sections)


def page(config, frame, verdicts, figures=None, times=NO_TIMES, commit="f00"):
    return report_page.page(
        config,
        comparisons=frame,
        verdicts=verdicts,
        calibration=calibration_of(roles="a broken case"),
        calibration_figures=dict.fromkeys(INSTRUMENTS, b"png"),
        clock_rows=clock_of(**{study: judging() for study in config.names()}),
        predictions=predict(frame, verdicts, rule_params.figures(config)["studies"], calibration_of()),
        figures=figures or {},
        captions=CAPTIONS,
        times=times,
        origin=ORIGIN,
        commit=commit,
    )


class Outline(HTMLParser):
    """Tags in order, what they refer to, and the text outside of style sheets."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.ids, self.open, self.text = [], [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        self.links += [values[name] for name in ("href", "src") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def html(config, tables):
    return report_page.render(TEMPLATE, page(config, *tables, figures=dict.fromkeys(FIGURES, b"png")))


def test_the_page_stands_alone(html):
    outline = Outline(html)
    assert not outline.open, "every element is closed"
    assert not {"script", "link", "iframe"} & {tag for tag, _ in outline.tags}
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in outline.links)
    assert "url(" not in html
    assert "@import" not in html
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)


def test_each_figure_is_inline_with_a_text_and_a_caption(html):
    images = [values for tag, values in Outline(html).tags if tag == "img"]
    results, checks = images[: len(FIGURES)], images[len(FIGURES) :]
    assert [values["alt"] for values in results] == [
        " ".join(CAPTIONS[name].partition("\n\n")[0].split()) for name in FIGURES
    ]
    assert [name for values in checks for name in INSTRUMENTS if f" {name} instrument" in values["alt"]] == [
        *INSTRUMENTS
    ]
    assert {values["src"] for values in images} == {"data:image/png;base64,cG5n"}
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html, re.DOTALL)
    assert len(captions) == len(set(captions)) == len(rule_params.FIGURES)


def test_the_clock_is_on_the_page_in_its_order_with_steps_or_reasons():
    rows = clock_of(text=judging())
    shown = list(report_page.half_way_steps(rows, "text"))
    assert [row["rank"] for row in shown] == [*range(1, rows["rank"].max() + 1), *["–"] * rows["rank"].eq(0).sum()]
    assert all((row["step"] == "–") == bool(row["reason"]) for row in shown)
    assert shown[0]["quantity"] and shown[0]["between"].count("–") == 1
    assert [row["order"] == "yes" for row in shown].count(True) == rows["before_next"].sum()


def test_every_verdict_is_on_the_page_with_its_reason(html, tables):
    text = Outline(html).text
    for _, row in tables[1].iterrows():
        assert claim(row) in text
        assert row["reason"] in text


def test_each_study_has_an_answer_to_each_test(tables):
    for kind, test in ANSWERS.items():
        rows = tables[1][tables[1]["kind"].eq(kind) & tables[1]["test"].eq(test)]
        assert sorted(rows["study"]) == ["digits", "text"]


def test_the_answers_are_the_decisions_of_the_table(tables):
    verdicts = tables[1]
    answers = report_page.answers(verdicts, ["text", "digits"])
    assert {answer["test"] for answer in answers} == set(verdicts["test"])
    for answer in answers:
        for study, cells in zip(["text", "digits"], answer["cells"], strict=True):
            of_test = verdicts[verdicts["study"].eq(study) & verdicts["test"].eq(answer["test"])]
            assert cells, f"{answer['claim']} has an answer for {study}"
            assert {cell["decision"] for cell in cells} <= set(of_test["decision"])
            main = of_test.loc[of_test["kind"].eq(MAIN.get(answer["claim"])), "decision"]
            if answer["claim"] in MAIN:
                assert [cell["decision"] for cell in cells] == main.tolist()


def test_like_claims_are_all_at_a_glance(tables):
    verdicts = tables[1][tables[1]["study"] == "text"]
    glances = {answer["claim"]: answer["cells"][0] for answer in report_page.answers(verdicts, ["text"])}
    for _, kind, _ in report_page.MANY:
        rows = verdicts[verdicts["kind"] == kind]
        cells = glances[LIKE_CLAIMS[kind]]
        cases = [case for cell in cells for case in cell["reason"].removeprefix("at ").split("; ")]
        assert sorted(cases) == sorted(case_of(row) for _, row in rows.iterrows()) and cases


def test_many_like_claims_are_counted(tables):
    few = tables[1][tables[1]["kind"].eq(kinds.EARLY_STOP) & tables[1]["study"].eq("text")]
    many = pd.concat([few, few.assign(density=few["density"] / 10)])
    glances = {answer["claim"]: answer["cells"][0] for answer in report_page.answers(many, ["text"])}
    shown = glances[LIKE_CLAIMS[kinds.EARLY_STOP]]
    assert [cell["reason"] for cell in shown] == ["in 12 cases"]


def test_counts_leave_single_tickets_out_and_add_up(tables):
    verdicts = tables[1]
    counts = report_page.counts(verdicts)
    assert list(counts) == list(VERDICTS)
    rows = verdicts[verdicts["decision"].isin(VERDICTS) & ~verdicts["kind"].isin(OF_ONE_TICKET)]
    assert sum(counts.values()) == len(rows)


def test_a_study_without_a_test_says_so(config, tables):
    frame, verdicts = tables
    lacking = verdicts[~(verdicts["study"].eq("text") & verdicts["test"].eq(T2))]
    content = page(config, frame, lacking)
    (answer,) = [answer for answer in content["answers"] if answer["test"] == T2 and answer["claim"] in MAIN]
    assert [bool(cells) for cells in answer["cells"]] == [False, True]
    assert "not measured" in Outline(report_page.render(TEMPLATE, content)).text


def test_values_are_escaped(config, tables):
    frame, verdicts = tables
    html = report_page.render(TEMPLATE, page(config, frame, verdicts.assign(reason="<script>1 & 2</script>")))
    assert "<script" not in html
    assert "&lt;script&gt;1 &amp; 2" in html


def test_single_tickets_fold_away_and_headlines_come_first(config, tables):
    (study, *_) = page(config, *tables)["verdicts"]
    tests = {test["name"]: test for test in study["tests"]}
    assert {T1, T2, T3} <= set(tests)
    for sentence, kind in MAIN.items():
        of_test = [other for other in MAIN if ANSWERS[MAIN[other]] == ANSWERS[kind]]
        assert sentence in [row["claim"] for row in tests[ANSWERS[kind]]["shown"][: len(of_test)]]
    assert all("ticket at" in row["claim"] or "control at" in row["claim"] for row in tests[T1]["more"])
    assert len(tests[T1]["more"]) > 0


def test_instrument_states_count_the_flags(tables):
    frame = tables[0]
    states = {row["instrument"]: row for row in report_page.instrument_states(frame, "text")}
    assert states["learning coefficient, dense"]["state"] == "11 of 16 estimates flagged, left out of the LLC"
    assert states["learning coefficient, ticket"]["state"] == "0 of 8 estimates flagged, left out of the LLC"
    assert states["roles, exact replicates (the ceiling)"]["state"] == "reproducible"
    # What was not measured is not spoken of.
    assert not [name for name in report_page.instrument_states(frame[frame["test"] == LLC], "text") if "roles" in name]


def test_emptied_parts_are_in_the_report(tables):
    at = {"study": "text", "test": EMPTIED, "contrast": "one_shot", "quantity": "layers.0", "n": 4}
    rows = pd.DataFrame([{**at, "density": 0.125, "estimate": 0.5}, {**at, "density": 0.03, "estimate": 1.0}])
    frame = pd.concat([tables[0], rows], ignore_index=True)
    first = next(report_page.instrument_states(frame, "text"))
    assert first["instrument"] == "pruning, one shot" and first["state"] == "left no weight in layers.0"
    assert first["detail"] == "of 4 networks: 50% at 12.5% kept, 100% at 3.0% kept"


def test_a_control_away_from_chance_is_reported_as_such(tables):
    frame = tables[0].copy()
    control = frame["contrast"].eq("other_init") & frame["quantity"].eq("determinacy")
    frame.loc[control & frame["step"].eq(0), ["estimate", "ci_low", "ci_high"]] = [0.3, 0.2, 0.4]
    frame.loc[control & frame["step"].eq(10), ["estimate", "ci_low", "ci_high"]] = [0.0, -0.1, 0.1]
    (state,) = [row for row in report_page.instrument_states(frame, "text") if "must be at chance" in row["instrument"]]
    assert state["state"] == "at chance at 1 of 2 split steps"


def test_run_times_add_up_by_rule_and_leave_other_studies_out(tmp_path):
    header = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"

    def measured(path, seconds, memory, cpu):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(f"{header}\n{seconds}\t0:00:01\t{memory}\t-\t-\t-\t0\t0\t0\t{cpu}\n")

    measured("train_dense/text-0.tsv", 10, 500, 9)
    measured("train_dense/text-1.tsv", 20, 700, 19)
    measured("train_dense/texts-0.tsv", 1000, 9000, 1000)
    measured("judge.tsv", 1, "-", 0.5)
    measured("calibrate/llc.tsv", 100, 600, 90)
    measured("report.tsv", 50, 50, 50)
    table = report_page.run_times(tmp_path, ["text", "digits"]).set_index("rule")
    assert table.loc["train_dense"].tolist() == [2, 30, 28, 700]
    assert table.loc["judge", "jobs"] == 1
    assert table.loc["calibrate"].tolist() == [1, 100, 90, 600]
    assert table.loc["total", ["jobs", "wall", "cpu", "memory"]].tolist() == [4, 131, 118.5, 700]
    assert table.index[-1] == "total"
    assert "report" not in table.index


def test_no_benchmark_files_give_an_empty_total(tmp_path, config, tables):
    times = report_page.run_times(tmp_path, ["text"])
    assert times["rule"].tolist() == ["total"]
    assert report_page.render(TEMPLATE, page(config, *tables, times=times))


def test_the_written_config_gives_the_same_config_again(config):
    text = report_page.config_yaml(config)
    assert configuration.validate(yaml.safe_load(text)) == config
    assert report_page.config_yaml(config) == text


def test_the_config_digest_follows_any_value(config):
    other = config.model_copy(update={"device": "cpu"})
    assert report_page.config_digest(config) != report_page.config_digest(other)
    assert re.fullmatch(r"[0-9a-f]{16}", report_page.config_digest(config))


def test_provenance_is_on_the_page(html, config):
    text = Outline(html).text
    for value in ("f00", "10cc", "c0de", "numpy 1.0, torch 2.0", report_page.config_digest(config)):
        assert value in text


def test_settings_have_a_cell_for_each_study(config, tables):
    table = {row["label"]: row["cells"] for row in report_page.settings(config, tables[0])}
    assert all(len(cells) == 2 for cells in table.values())
    assert table["seeds"] == [str(config.studies[study].seeds) for study in ("text", "digits")]
    assert table["weights kept (%)"][0] == "50, 25, 12.5"
    assert "margin 0.02" in table["thresholds"][0]
    assert table["negative licensed by"] == ["digits", "none"]


def test_a_folder_without_git_has_no_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert report_page.commit() == "unknown (not a git repository)"


def test_every_instrument_is_on_the_page_with_its_state_and_its_checks(html):
    text = " ".join(Outline(html).text.split())
    assert "roles: out of calibration; 0 of 1 required checks passed" in text
    assert "pruning: in calibration; 1 of 1 required checks passed" in text
    assert "example, a broken case: value" in text
    assert "the distance beyond the margin or threshold at which the truth is found" in text
