"""The report in a browser: nothing overflows, nothing is complained of, all of it works by keyboard and without
script."""

import pytest

from tests.unit.report import browser
from tests.unit.report.example_page import SOURCES, config_of, example_tables, page
from workflow_scripts.ticketlab.config.rule_params import FIGURES
from workflow_scripts.ticketlab.report.page import document

pytestmark = pytest.mark.skipif(browser.found() is None, reason="no Chromium on this machine")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SHOWN = "[...document.querySelectorAll('.all-verdicts tbody tr')].filter((row) => !row.hidden).length"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    content = page(config_of(), *example_tables(), figures=dict.fromkeys(FIGURES, b"png"), steps=(0, 2, 8))
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(document.render(SOURCES, content), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tab(address, tmp_path_factory):
    with browser.opened(address, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_page_is_as_wide_as_the_window(tab, width):
    tab.resize(width, 900)
    assert tab.evaluate(OVERFLOW) <= 0


def test_the_first_screen_holds_sentence_lamps_and_matrix_and_the_contents_stay(tab):
    tab.resize(1280, 900)
    tab.evaluate("scrollTo(0, 0)")
    for what in (".sentence", ".lamps", ".matrix"):
        assert tab.evaluate(f"document.querySelector('{what}').getBoundingClientRect().bottom") < 900
    tab.evaluate("scrollTo(0, 4000)")
    assert tab.evaluate("document.querySelector('nav').getBoundingClientRect().top") == 0


def test_the_slider_moves_cursor_values_and_map_by_keyboard(tab):
    state = """(() => {
      const study = document.querySelector("section.study");
      return [study.querySelector(".slider output").textContent, study.querySelector(".cursor").getAttribute("x1"),
        study.querySelector(".readout").textContent, study.querySelectorAll('.heads circle:not([fill="none"])').length,
        study.querySelector(".map-step").textContent];
    })()"""
    tab.evaluate("document.querySelector('.slider input').focus()")
    tab.press("End")
    end = tab.evaluate(state)
    tab.press("Home")
    start = tab.evaluate(state)
    assert start[0] == "step 0" and start[0] != end[0]
    assert float(start[1]) < float(end[1])
    assert start[2] != end[2]
    # The head that stands out in the last of the scored steps alone, in either network.
    assert (start[3] < end[3]) and end[3] >= 2
    assert start[4].startswith("at step 0") and end[4].startswith("at step 8")
    tab.press("ArrowRight")
    assert tab.evaluate(state)[0] not in (start[0], end[0])


def test_filters_and_sorting_work_by_keyboard(tab):
    total = tab.evaluate(SHOWN)
    tab.evaluate("document.querySelector('[data-filter=answer]').focus()")
    tab.press(" ", " ")
    answers = tab.evaluate(SHOWN)
    assert 0 < answers < total
    tab.press(" ", " ")
    tab.evaluate("document.querySelector('[data-filter=words]').focus()")
    for letter in "digits":
        tab.press(letter, letter)
    assert 0 < tab.evaluate(SHOWN) < total
    assert tab.evaluate("document.querySelector('.filters output').textContent") == f"{tab.evaluate(SHOWN)} of {total}"
    tab.evaluate("document.querySelector('th.numeric button').focus()")
    tab.press("Enter", "\r")
    values = "[...document.querySelectorAll('.all-verdicts tbody .estimate')].map((cell) => cell.dataset.value)"
    numbers = [float(value) for value in tab.evaluate(values) if value]
    assert len(numbers) > 10 and numbers == sorted(numbers)
    tab.press("Enter", "\r")
    assert [float(value) for value in tab.evaluate(values) if value] == numbers[::-1]


def test_a_link_from_an_answer_opens_what_is_folded(tab):
    tab.evaluate("location.hash = '#figure-strong_form'; new Promise((done) => setTimeout(done, 100))")
    assert tab.evaluate("document.getElementById('figure-strong_form').open")


def test_the_browser_complains_of_nothing_and_asks_for_nothing(tab):
    tab.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert tab.complaints == []


def test_without_script_all_is_there_and_nothing_that_would_not_work(address, tmp_path):
    with browser.opened(address, tmp_path, script=False) as tab:
        nodes = tab.ask("DOM.getDocument", depth=-1)
        root = nodes["root"]["nodeId"]
        assert tab.ask("DOM.querySelectorAll", nodeId=root, selector=".all-verdicts tbody tr")["nodeIds"]
        slider = tab.ask("DOM.querySelector", nodeId=root, selector=".slider")["nodeId"]
        tab.ask("DOM.enable")
        tab.ask("CSS.enable")
        style = tab.ask("CSS.getComputedStyleForNode", nodeId=slider)["computedStyle"]
        assert {one["name"]: one["value"] for one in style}["display"] == "none"
