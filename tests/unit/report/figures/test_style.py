import re
from functools import partial

import matplotlib.colors
import pandas as pd
import pytest

from tests.unit.example_results import LAST, example, figure_settings, holders_of, judged, judging
from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.report.figures import registry, style, tickets
from workflow_scripts.ticketlab.verdicts.comparisons import TICKETS
from workflow_scripts.ticketlab.verdicts.rows import WITHHELD

NOTHING = "not measured"
# Those that are drawn of comparisons and verdicts.
FIGURES = {name: registry.module(name).figure for name in rule_params.FIGURES if name != "llc_scales"}
FIGURES["roles"] = partial(FIGURES["roles"], holders=holders_of("example", "images"))


@pytest.fixture(scope="module")
def results():
    """Comparisons, verdicts and settings of two studies with different metrics."""
    sections = {"example": judging(), "images": judging("error", 0.02)}
    frame = pd.concat([example(name, section) for name, section in sections.items()], ignore_index=True)
    return frame, judged(frame, **sections), figure_settings(**sections)


def words(figure):
    """Every text of a figure, legends and ticks aside."""
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def panels(figure):
    return [axes for row in figure.subfigs for axes in row.axes]


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def lines_labelled(axes, label):
    return [line for line in axes.lines if line.get_label() == label]


def test_a_plan_names_every_figure():
    assert set(rule_params.FIGURES) == {*FIGURES, "llc_scales"}


@pytest.fixture(scope="module")
def one_study(results):
    frame, verdicts, settings = results
    return frame, verdicts, {"example": settings["example"]}


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_tables_give_the_same_bytes(name, one_study, tmp_path):
    for turn in "ab":
        style.save(style.draw(FIGURES[name], *one_study), [tmp_path / f"{turn}.png", tmp_path / f"{turn}.svg"])
    for kind in ("png", "svg"):
        first, second = ((tmp_path / f"{turn}.{kind}").read_bytes() for turn in "ab")
        assert first == second


def test_a_users_own_style_changes_nothing(one_study, tmp_path):
    style.save(style.draw(FIGURES["transience"], *one_study), [tmp_path / "a.svg"])
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.facecolor": "red"}):
        style.save(style.draw(FIGURES["transience"], *one_study), [tmp_path / "b.svg"])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("name", FIGURES)
def test_each_study_has_its_row(name, results):
    figure = style.draw(FIGURES[name], *results)
    assert [row.get_suptitle() for row in figure.subfigs] == ["study: example", "study: images"]
    assert NOTHING not in words(figure)


@pytest.mark.parametrize("name", FIGURES)
def test_a_study_without_measurements_says_so_in_every_panel(name, results):
    frame, verdicts, settings = results
    figure = style.draw(FIGURES[name], frame[frame["study"] == "example"], verdicts, settings)
    measured, empty = figure.subfigs
    assert not [text for axes in measured.axes for text in axes.texts if text.get_text() == NOTHING]
    assert all(NOTHING in [text.get_text() for text in axes.texts] for axes in empty.axes)


@pytest.mark.parametrize("name", FIGURES)
def test_one_seed_has_no_intervals_but_a_figure(name, one_study):
    frame, verdicts, settings = one_study
    style.draw(
        FIGURES[name], frame.assign(ci_low=float("nan"), ci_high=float("nan"), p=float("nan"), n=1), verdicts, settings
    )


def test_verdicts_that_an_instrument_withholds_look_inconclusive(one_study):
    frame, verdicts, settings = one_study
    style.draw(FIGURES["tickets"], frame, verdicts.assign(decision=WITHHELD), settings)


def test_a_study_without_controls_shows_its_tickets(results):
    frame, _, settings = results
    controls = frame["contrast"].str.contains("|".join([*style.VARIANTS][2:]) + "|mask_at_step")
    plain = frame[~(frame["test"].eq(TICKETS) & controls)]
    verdicts = judged(plain, **{name: spec["judging"] for name, spec in settings.items()})
    end, *_ = panels(style.draw(FIGURES["tickets"], plain, verdicts, settings))
    assert "ticket from step 0" in legend_of(end)
    assert "shuffled mask" not in legend_of(end)


def intervals_in(axes, look):
    """The lowest and the highest value of each interval in this look: of bands that have a width, and of bars."""
    colour = matplotlib.colors.to_rgb(look.colour)
    mine = [
        collection
        for collection in axes.collections
        for colours in (collection.get_edgecolor(), collection.get_facecolor())
        if len(colours) and tuple(colours[0][:3]) == pytest.approx(colour)
    ]
    paths = [path for collection in mine for path in collection.get_paths()]
    extents = [(*path.vertices.min(axis=0), *path.vertices.max(axis=0), len(path.vertices)) for path in paths]
    return [(low, high) for left, low, right, high, points in extents if points == 2 or right > left]


@pytest.mark.parametrize("densities", [1, 2])
def test_also_the_interval_of_a_single_density_is_drawn(results, densities):
    frame, verdicts, settings = results
    control = frame["test"].eq(TICKETS) & frame["contrast"].eq("shuffled")
    kept = sorted(frame.loc[control, "level"].unique())[:densities]
    fewer = frame[~control | frame["level"].isin(kept)]
    end, *_ = panels(style.draw(FIGURES["tickets"], fewer, verdicts, settings))
    rows = fewer[fewer["study"].eq("example") & fewer["contrast"].eq("shuffled") & fewer["quantity"].eq("loss")]
    rows = rows[rows["step"].eq(LAST) & rows["rewind_step"].eq(0)]
    assert len(rows) == densities
    assert (rows["ci_low"].min(), rows["ci_high"].max()) in intervals_in(end, style.VARIANTS["shuffled"])


def test_a_tickets_marker_is_filled_by_its_verdict(results):
    frame, verdicts, settings = results
    _, _, difference, *_ = panels(style.draw(FIGURES["tickets"], frame, verdicts, settings))
    rows = frame[
        frame["study"].eq("example")
        & frame["quantity"].eq("loss")
        & frame["contrast"].eq("ticket - dense")
        & frame["step"].eq(LAST)
    ]
    marked = {
        (line.get_xdata()[0], line.get_ydata()[0]): line.get_fillstyle()
        for line in difference.lines
        if len(line.get_xdata()) == 1 and line.get_marker() not in ("x", "None")
    }
    cells = verdicts[verdicts["study"].eq("example") & verdicts["kind"].eq("ticket")]
    assert len(cells) == len(rows) == len(marked)
    for _, row in rows.iterrows():
        decision = cells.loc[cells["estimate"].eq(row["estimate"]), "decision"].item()
        assert marked[row["density"], row["estimate"]] == tickets.FILLINGS[decision]
    assert cells["decision"].nunique() > 1


def test_the_margin_and_the_control_level_are_named(results):
    end, course, difference, *_ = panels(style.draw(FIGURES["tickets"], *results))
    assert "δ = 0.1" in [text.get_text() for text in difference.texts]
    assert "12.5% kept, from step 0\n(T1 from θ₀: supports LTH)" in course.get_title(loc="left")
    assert "step 100" in end.get_title(loc="left")


def test_estimates_are_drawn_where_the_tables_put_them(results):
    frame = results[0]
    of_component, of_predictor = panels(style.draw(FIGURES["transience"], *results))[:2]
    mine = frame[frame["study"].eq("example") & frame["quantity"].isin(["tri_gram", "unigram"])]
    for axes, structure, contrast, label in (
        (of_component, "tri_gram", "distance", "distance of a component"),
        (of_predictor, "unigram", "distance", "the network"),
        (of_predictor, "unigram", "distance, part", "its nearest part"),
    ):
        course = mine[mine["quantity"].eq(structure) & mine["contrast"].eq(contrast)]
        (line,) = lines_labelled(axes, label)
        assert list(line.get_xdata()) == course["step"].tolist()
        assert list(line.get_ydata()) == course["estimate"].tolist()
    assert re.match(r"unigram\nA 0\.\d\d \[.*\]\nbeyond path .*\nF .*\nR ", of_predictor.get_title(loc="left"))
    (path,) = lines_labelled(of_predictor, "least on the straight path")
    assert path.get_ydata()[0] == pytest.approx(0.5, rel=1e-3)  # as the table says


def test_only_sound_estimates_are_a_filled_learning_coefficient(results):
    over_steps = panels(style.draw(FIGURES["llc"], *results))[0]
    (sound,) = lines_labelled(over_steps, "LLC: estimates without a flag")
    (hollow,) = lines_labelled(over_steps, "complexity: with estimates not at a minimum")
    assert list(sound.get_xdata()) == [30, LAST]
    assert list(hollow.get_xdata()) == [0, 10, 30, LAST]
    assert hollow.get_markerfacecolor() == "white"


def test_one_wide_interval_of_a_learning_coefficient_leaves_the_others_legible(results):
    frame, *others = results
    drawn = frame["test"].eq("llc") & frame["contrast"].eq("dense") & frame["quantity"].isin(["llc", "complexity"])
    estimates = frame.loc[drawn & frame["study"].eq("example"), "estimate"]
    wide = frame.assign(ci_low=frame["ci_low"].mask(drawn & frame["step"].eq(10), -1e4))
    bottom, top = panels(style.draw(FIGURES["llc"], wide, *others))[0].get_ylim()
    assert bottom <= 0 and top >= estimates.max()
    assert top - bottom <= 2 * estimates.max()


def test_the_learning_coefficient_of_dense_stays_in_sight_beside_that_of_tickets(results):
    by_size = panels(style.draw(FIGURES["llc"], *results))[1]
    (dense,) = lines_labelled(by_size, "dense at the same step")
    bottom, top = by_size.get_ylim()
    assert bottom < dense.get_ydata()[0] < top


def test_lines_differ_without_colour():
    looks = list(style.VARIANTS.values())
    assert len({look.marker for look in looks}) == len(looks)
    assert len({look.marker for look in style.SERIES}) == len(style.SERIES)
    assert len({str(look.dash) for look in style.SERIES}) == len(style.SERIES)


@pytest.mark.parametrize("name", FIGURES)
def test_titles_and_legends_do_not_overlap_their_neighbours(name, results):
    figure = style.draw(FIGURES[name], *results)
    renderer = figure._get_renderer()
    boxes = [axes.get_tightbbox(renderer) for axes in panels(figure)]
    for index, first in enumerate(boxes):
        assert not [other for other in boxes[index + 1 :] if overlap(first, other)]


def overlap(first, second):
    """Whether two boxes share more than a pixel each way."""
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    return width > 1 and height > 1


def test_the_figure_of_roles_names_the_part_before_and_after(results):
    change = panels(style.draw(FIGURES["roles"], *results))[0]
    assert "0.0 → 0.1" in {text.get_text() for text in change.texts}
    (line,) = lines_labelled(change, "another data order")
    assert set(line.get_xdata()) == {0.75}  # in all of four initialisations but one
