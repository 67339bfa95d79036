import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml

from tests.unit.example_results import calibration_of, clock_of, judging
from tests.unit.report.example_page import CAPTIONS, SOURCES, config_of, example_tables, page
from workflow_scripts.ticketlab.config import study as configuration
from workflow_scripts.ticketlab.config.rule_params import FIGURES
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.report import answer
from workflow_scripts.ticketlab.report.page import document, instruments, provenance
from workflow_scripts.ticketlab.report.page.clock import half_way_steps
from workflow_scripts.ticketlab.report.page.settings import settings
from workflow_scripts.ticketlab.report.page.verdict_rows import verdict_rows
from workflow_scripts.ticketlab.report.words import claim, interval
from workflow_scripts.ticketlab.verdicts.comparisons import EMPTIED, LLC
from workflow_scripts.ticketlab.verdicts.rows import ANSWERS, T2


@pytest.fixture(scope="module")
def config():
    return config_of()


@pytest.fixture(scope="module")
def tables():
    return example_tables()


@pytest.fixture(scope="module")
def html(config, tables):
    return document.render(SOURCES, page(config, *tables, figures=dict.fromkeys(FIGURES, b"png")))


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
        if tag not in ("meta", "img", "br", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & {*self.open}:
            self.text += data


def test_the_page_stands_alone_and_every_link_on_it_leads_somewhere(html):
    outline = Outline(html)
    assert not outline.open, "every element is closed"
    assert "iframe" not in {tag for tag, _ in outline.tags}
    assert all(link.startswith(("data:", "#")) for link in outline.links)
    assert "url(" not in html
    assert "@import" not in html
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))


def test_each_figure_is_inline_with_a_text_and_a_caption(html):
    images = [values for tag, values in Outline(html).tags if tag == "img"]
    results, checks = images[: len(FIGURES)], images[len(FIGURES) :]
    seen = [" ".join(CAPTIONS[name].partition("\n\n")[0].split()) for name in FIGURES]
    assert [values["alt"] for values in results] == seen
    assert [name for values in checks for name in INSTRUMENTS if f" {name} instrument" in values["alt"]] == [
        *INSTRUMENTS
    ]
    assert {values["src"] for values in images} == {"data:image/png;base64,cG5n"}


def test_each_answer_shows_its_number_and_leads_to_its_panel_and_its_reason(config, tables):
    verdicts = tables[1]
    rows = {row["anchor"]: row for row in verdict_rows(verdicts)}
    for line in page(config, *tables, figures=dict.fromkeys(FIGURES, b"png"))["matrix"]:
        for kind, cell in zip(answer.TESTS, line["cells"], strict=True):
            mine = verdicts[verdicts["study"].eq(line["study"]) & verdicts["kind"].eq(kind)]
            assert (cell is None) == mine.empty
            if cell is None:
                continue
            about = rows[cell["verdict"]]
            assert (about["study"], about["reason"]) == (line["study"], mine.iloc[0]["reason"])
            assert cell["decision"] == mine.iloc[0]["decision"]
            assert cell["figure"].startswith((f"{line['study']}-", "figure-"))
            if not pd.isna(mine.iloc[0]["estimate"]):
                assert cell["number"] == interval(mine.iloc[0]) and interval(mine.iloc[0]) in cell["drawing"]


def test_a_study_without_a_test_says_so(config, tables):
    frame, verdicts = tables
    lacking = verdicts[~(verdicts["study"].eq("text") & verdicts["test"].eq(T2))]
    content = page(config, frame, lacking)
    roles = [*answer.TESTS].index("roles_change")
    assert [line["cells"][roles] is None for line in content["matrix"]] == [True, False]
    assert "not run" in Outline(document.render(SOURCES, content)).text


def test_the_clock_is_on_the_page_in_its_order_with_steps_or_reasons():
    rows = clock_of(text=judging())
    shown = list(half_way_steps(rows, "text"))
    assert [row["rank"] for row in shown] == [*range(1, rows["rank"].max() + 1), *["–"] * rows["rank"].eq(0).sum()]
    assert all((row["step"] == "–") == bool(row["reason"]) for row in shown)
    assert shown[0]["quantity"] and shown[0]["between"].count("–") == 1
    assert [row["order"] == "yes" for row in shown].count(True) == rows["before_next"].sum()


def test_every_verdict_is_on_the_page_with_its_reason(html, tables):
    text = Outline(html).text
    for _, row in tables[1].iterrows():
        assert claim(row) in text
        assert row["reason"] in text


def test_a_p_value_stands_only_where_it_made_the_decision(tables):
    verdicts = tables[1]
    for row, source in zip(verdict_rows(verdicts), _in_order(verdicts), strict=True):
        if source["decision"].startswith(("inconclusive", "mixed", "neither", "no side")):
            assert row["p"] == "–"
    winning = [row for row in verdict_rows(verdicts) if row["decision"] == "winning"]
    assert winning and all(row["p"] != "–" for row in winning)


def _in_order(verdicts):
    place = verdicts.assign(answer=~verdicts["kind"].isin(ANSWERS), place=pd.factorize(verdicts["study"])[0])
    return place.sort_values(["place", "answer"], kind="stable").to_dict("records")


def test_the_data_behind_a_panel_are_the_tables_rows(config, tables):
    (strip, _) = page(config, *tables)["strips"]
    by_key = {panel["key"]: panel for panel in strip["panels"]}
    assert [*by_key] == ["tickets", "roles", "transience", "llc", "clock"]
    text = unquote(by_key["llc"]["csv"].partition(",")[2])
    first, *lines = text.splitlines()
    assert first == "series,step,estimate,ci_low,ci_high,n"
    mine = tables[0][tables[0]["study"].eq("text") & tables[0]["contrast"].eq("dense")]
    mine = mine[mine["quantity"].eq("complexity")].sort_values("step")
    assert [line.split(",")[1] for line in lines] == [str(step) for step in mine["step"]]
    assert [float(line.split(",")[2]) for line in lines] == pytest.approx(mine["estimate"].tolist(), rel=1e-5)
    assert all(by_key["llc"]["drawing"].count(f'data-step="{step}"') == 1 for step in mine["step"])


def test_the_slider_and_the_map_share_the_scored_steps(html, config, tables):
    (strip, _) = page(config, *tables)["strips"]
    assert {*strip["map"]["steps"]} <= {*strip["steps"]}
    assert strip["steps"] == sorted(strip["steps"]) and strip["steps"][-1] == strip["last"]
    (data, *_) = re.findall(r'class="map-data">(.*?)</script>', html)
    assert json.loads(data)["frames"] == strip["map"]["frames"]


def test_values_are_escaped(config, tables):
    frame, verdicts = tables
    html = document.render(SOURCES, page(config, frame, verdicts.assign(reason="<script>1 & 2</script>")))
    assert "<script>1" not in html
    assert "&lt;script&gt;1 &amp; 2" in html


def test_checks_that_fail_without_a_say_are_folded_apart(config, tables):
    checks = calibration_of(roles="a broken case")
    checks.loc[checks["instrument"] == "roles", "required"] = False
    (item,) = [
        item
        for item in instruments.calibrations(checks, dict.fromkeys(INSTRUMENTS, b"png"))
        if item["instrument"] == "roles"
    ]
    assert (len(item["failed"]), len(item["no_say"])) == (0, 1)


def test_instrument_states_count_the_flags(tables):
    frame = tables[0]
    states = {row["instrument"]: row for row in instruments.instrument_states(frame, "text")}
    assert states["learning coefficient, dense"]["state"] == "11 of 16 estimates flagged, left out of the LLC"
    assert states["learning coefficient, ticket"]["state"] == "0 of 8 estimates flagged, left out of the LLC"
    assert states["roles, exact replicates (the ceiling)"]["state"] == "reproducible"
    # What was not measured is not spoken of.
    assert not [name for name in instruments.instrument_states(frame[frame["test"] == LLC], "text") if "roles" in name]


def test_emptied_parts_are_in_the_report(tables):
    at = {"study": "text", "test": EMPTIED, "contrast": "one_shot", "quantity": "layers.0", "n": 4}
    rows = pd.DataFrame([{**at, "density": 0.125, "estimate": 0.5}, {**at, "density": 0.03, "estimate": 1.0}])
    frame = pd.concat([tables[0], rows], ignore_index=True)
    first = next(instruments.instrument_states(frame, "text"))
    assert first["instrument"] == "pruning, one shot" and first["state"] == "left no weight in layers.0"
    assert first["detail"] == "of 4 networks: 50% at 12.5% kept, 100% at 3.0% kept"


def test_a_control_away_from_chance_is_reported_as_such(tables):
    frame = tables[0].copy()
    control = frame["contrast"].eq("other_init") & frame["quantity"].eq("determinacy")
    frame.loc[control & frame["step"].eq(0), ["estimate", "ci_low", "ci_high"]] = [0.3, 0.2, 0.4]
    frame.loc[control & frame["step"].eq(10), ["estimate", "ci_low", "ci_high"]] = [0.0, -0.1, 0.1]
    (state,) = [row for row in instruments.instrument_states(frame, "text") if "must be at chance" in row["instrument"]]
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
    table = provenance.run_times(tmp_path, ["text", "digits"]).set_index("rule")
    assert table.loc["train_dense"].tolist() == [2, 30, 28, 700]
    assert table.loc["judge", "jobs"] == 1
    assert table.loc["calibrate"].tolist() == [1, 100, 90, 600]
    assert table.loc["total", ["jobs", "wall", "cpu", "memory"]].tolist() == [4, 131, 118.5, 700]
    assert table.index[-1] == "total"
    assert "report" not in table.index


def test_no_benchmark_files_give_an_empty_total(tmp_path, config, tables):
    times = provenance.run_times(tmp_path, ["text"])
    assert times["rule"].tolist() == ["total"]
    assert document.render(SOURCES, page(config, *tables, times=times))


def test_the_written_config_gives_the_same_config_again(config):
    text = provenance.config_yaml(config)
    assert configuration.validate(yaml.safe_load(text)) == config
    assert provenance.config_yaml(config) == text


def test_the_config_digest_follows_any_value(config):
    other = config.model_copy(update={"device": "cpu"})
    assert provenance.config_digest(config) != provenance.config_digest(other)
    assert re.fullmatch(r"[0-9a-f]{16}", provenance.config_digest(config))


def test_provenance_is_on_the_page(html, config):
    text = Outline(html).text
    for value in ("f00", "10cc", "c0de", "numpy 1.0, torch 2.0", provenance.config_digest(config)):
        assert value in text


def test_settings_have_a_cell_for_each_study(config, tables):
    table = {row["label"]: row["cells"] for row in settings(config, tables[0])}
    assert all(len(cells) == 2 for cells in table.values())
    assert table["seeds"] == [str(config.studies[study].seeds) for study in ("text", "digits")]
    assert table["weights kept (%)"][0] == "50, 25, 12.5"
    assert "margin 0.02" in table["thresholds"][0]
    assert table["negative licensed by"] == ["digits", "none"]


def test_a_folder_without_git_has_no_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit() == "unknown (not a git repository)"


def test_every_instrument_is_on_the_page_with_its_state_and_its_checks(html):
    text = " ".join(Outline(html).text.split())
    assert "roles: out of calibration 0 of 1 required checks passed" in text
    assert "pruning: in calibration 1 of 1 required checks passed" in text
    assert "example, a broken case: value" in text
    assert "the distance beyond the margin or threshold at which the truth is found" in text
