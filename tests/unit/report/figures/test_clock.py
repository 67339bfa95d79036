"""The clock's figure: every strip of every study, half-way steps where the table puts them, gaps that say so."""

from itertools import pairwise

import matplotlib
import pandas as pd
import pytest

from tests.unit.example_results import LAST, barrier_curves, clock_of, example, figure_settings, judging
from workflow_scripts.ticketlab.report.figures import clock as clock_figure
from workflow_scripts.ticketlab.report.figures import registry, style
from workflow_scripts.ticketlab.verdicts import clock
from workflow_scripts.ticketlab.verdicts.comparisons import BARRIERS, LLC, MASKS, ROLES, STRUCTURE, TICKETS

NOTHING = "not measured"
SECTIONS = {"example": judging(), "images": judging("error", 0.02)}


@pytest.fixture(scope="module")
def results():
    """Courses, clock and settings of two studies with different metrics."""
    frame = pd.concat([example(name, section) for name, section in SECTIONS.items()])
    return pd.concat([frame, barrier_curves(**SECTIONS)]), clock_of(**SECTIONS), figure_settings(**SECTIONS)


@pytest.fixture(scope="module")
def one_study(results):
    courses, times, settings = results
    return courses, times, {"example": settings["example"]}


def silent(row):
    return [index for index, axes in enumerate(row.axes) if NOTHING in [text.get_text() for text in axes.texts]]


def test_each_study_has_its_strips(results):
    drawn = style.draw(clock_figure.figure, *results)
    assert [row.get_suptitle() for row in drawn.subfigs] == ["study: example", "study: images"]
    assert all(len(row.axes) == len(clock_figure.STRIPS) and not silent(row) for row in drawn.subfigs)


@pytest.mark.parametrize(
    ("missing", "strips"),
    [([LLC], [0]), ([STRUCTURE], [1]), ([TICKETS], [3]), ([MASKS, ROLES], [2, 4]), ([BARRIERS], [5])],
)
def test_only_the_strip_that_was_not_measured_is_missing(missing, strips, one_study):
    courses, times, settings = one_study
    drawn = style.draw(clock_figure.figure, courses[~courses["test"].isin(missing)], times, settings)
    assert silent(drawn.subfigs[0]) == strips


def test_half_way_steps_stand_where_the_table_puts_them(one_study):
    _, times, _ = one_study
    row = style.draw(clock_figure.figure, *one_study).subfigs[0]
    mine = times[times["study"].eq("example") & times["step"].notna()]
    large = [line.get_xdata()[0] for axes in row.axes for line in axes.lines if line.get_markersize() == 9]
    assert sorted(large) == mine["step"].tolist() and len(large) > 4


def test_the_learning_coefficients_rise_and_its_fall_are_told_apart(one_study):
    courses, times, settings = one_study
    moved = times.copy()
    for of, step in ((clock.RISES, 5.0), (clock.FALLS, 50.0)):
        moved.loc[moved["quantity"].eq(clock.LLC) & moved["of"].eq(of), ["step", "ci_low", "ci_high"]] = step
    row = style.draw(clock_figure.figure, courses, moved, settings).subfigs[0]
    large = {line.get_marker(): line.get_xdata()[0] for line in row.axes[0].lines if line.get_markersize() == 9}
    assert large == {"^": 5, "v": 50}


def test_structures_start_at_one_masks_stand_at_their_step_and_splits_end_where_nothing_differs(one_study):
    row = style.draw(clock_figure.figure, *one_study).subfigs[0]
    _, structure, _, tickets, shared, barrier = row.axes
    (unigram,) = [line for line in structure.lines if line.get_label() == "to unigram"]
    assert unigram.get_ydata()[0] == 1
    (masks,) = [line for line in tickets.lines if line.get_label() == "mask taken at step t, 25% kept"]
    assert list(masks.get_xdata()) == [0, 10, LAST]
    ends = [
        [line.get_ydata()[0] for line in axes.lines if line.get_markerfacecolor() == "white"]
        for axes in (shared, barrier)
    ]
    assert ends == [[1, 1], [0]]


def test_one_seed_has_no_intervals_but_a_figure(one_study):
    courses, times, settings = one_study
    nan = float("nan")
    style.draw(
        clock_figure.figure,
        courses.assign(ci_low=nan, ci_high=nan, n=1),
        times.assign(step=nan, ci_low=nan, ci_high=nan),
        settings,
    )


def test_the_same_tables_give_the_same_bytes(one_study, tmp_path):
    for turn in "ab":
        style.save(style.draw(clock_figure.figure, *one_study), [tmp_path / f"{turn}.png"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_strips_do_not_overlap_their_neighbours(results):
    drawn = style.draw(clock_figure.figure, *results)
    renderer = drawn._get_renderer()
    boxes = [axes.get_tightbbox(renderer) for row in drawn.subfigs for axes in row.axes]
    for first, second in pairwise(boxes):
        assert not matplotlib.transforms.Bbox.intersection(first, second) or first.y0 > second.y1 - 2


def test_the_overview_has_every_half_way_step_in_order_and_fits_a_page(results):
    _, times, settings = results
    drawn = style.draw(clock_figure.overview, times, settings)
    for study, axes in zip(settings, drawn.axes, strict=True):
        mine = times[times["study"].eq(study) & times["rank"].gt(0)].sort_values("rank")
        assert [line.get_xdata()[0] for line in axes.lines] == mine["step"].tolist() and len(mine) > 4
    width, height = drawn.get_size_inches()
    assert width <= 8.3 and height <= 11.7 * len(settings) / 4


def test_a_file_is_of_one_study_or_of_all():
    assert registry.of_file("clock", ["text"]) == ("clock", "")
    assert registry.of_file("clock_big_text", ["text", "big_text"]) == ("clock", "big_text")
    assert registry.of_file("calibration_llc", ["llc"]) == ("calibration_llc", "")
