"""Parts of θ₀ and predicted roles: from scripted agreements to shares and to the verdicts of P3 and P8."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.example_results import calibration_of, example, figure_settings, judged
from tests.unit.example_results import judging as section
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.core.readings import BUILT, INCONCLUSIVE, LATENT, MIXED, NO_SIDE
from workflow_scripts.ticketlab.experiments.forecast import predictions as forecast
from workflow_scripts.ticketlab.experiments.resampling import predictions as resampling
from workflow_scripts.ticketlab.experiments.resampling import summary
from workflow_scripts.ticketlab.report.figures import forecast as forecast_figure
from workflow_scripts.ticketlab.report.figures import resampling as resampling_figure
from workflow_scripts.ticketlab.settings.forecast import ForecastSettings
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.resampling import EVERYTHING, NOTHING
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.forecast import FORECAST
from workflow_scripts.ticketlab.tables.schemas.resampling import RESAMPLING
from workflow_scripts.ticketlab.verdicts import predictions

INITS, SIBLINGS = 8, 2
CEILING, CHANCE = 0.6, 0.1
JUDGING = JudgingSettings(margin=0.02)
FORETELLING = ForecastSettings()
FOLLOW_TICKET = {"ticket": 1.0, "rest": 0.0, "random": 0.2, "largest": 0.5}
FOLLOW_NOTHING = dict.fromkeys(FOLLOW_TICKET, 0.0)
FOLLOW_REST = {"ticket": 0.0, "rest": 1.0, "random": 0.2, "largest": 0.1}


def agreements(shares, ceiling=CEILING, spread=0.02):
    """An `agreement` table in which a part keeps such a share of what agrees beyond chance."""
    rows = []
    for matching in summary.QUANTITIES:
        levels = {EVERYTHING: 1.0, NOTHING: 0.0, **shares}
        for pair, share in levels.items():
            random = generator("test", matching, pair)
            for init in range(INITS):
                own = CHANCE + (ceiling - CHANCE) * share + spread * random.normal()
                orders = range(1, SIBLINGS + 1)
                rows += [(matching, pair, init, order, own + 0.01 * random.normal()) for order in orders]
    frame = pd.DataFrame(rows, columns=["matching", "pair", "init_seed", "other_data_seed", "agreement"])
    return frame.assign(study="test", score="all")


def metrics(shares):
    rows = [(f"kept_{part}", init, "test", "loss", 1 + 0.01 * init) for part in shares for init in range(INITS)]
    return pd.DataFrame(rows, columns=["variant", "init_seed", "split", "metric", "value"])


def table(shares, **options):
    frame = pd.DataFrame(summary.kept(agreements(shares, **options), metrics(shares), 0.05))
    return frame.assign(study="test")


def verdicts(shares, quantity="roles", **options):
    """By words of the quantity, its row of `predictions`."""
    rows = [row for _, row in resampling.predictions_of_parts(table(shares, **options), {"test": JUDGING})]
    return {row["quantity"]: row for row in rows if f"of {quantity} " in row["quantity"]}


def verdict(rows, words):
    found = [row for quantity, row in rows.items() if words in quantity]
    assert len(found) == 1, list(rows)
    return found[0]["verdict"]


@pytest.mark.parametrize("quantity", ["roles", "masks"])
def test_the_share_that_was_put_in_comes_out(quantity, tmp_path):
    shares = {"ticket": 0.8, "rest": 0.3, "random": 0.1}
    files.write(tmp_path / "resampling.parquet", RESAMPLING, table(shares), {})
    found = files.read(tmp_path / "resampling.parquet", RESAMPLING).set_index(["quantity", "contrast"])
    share = found.loc[f"{quantity}: share"]
    for part, put_in in {**shares, "ticket - rest": 0.5, "ticket - random": 0.7}.items():
        assert share.loc[part, "ci_low"] < put_in < share.loc[part, "ci_high"]
        assert share.loc[part, "ci_high"] - share.loc[part, "ci_low"] < 0.15
    assert found.loc[(f"{quantity}: agreement", NOTHING), "estimate"] == pytest.approx(CHANCE, abs=0.02)
    assert found.loc[("test loss", "kept_rest"), "estimate"] == pytest.approx(1.035)


def test_the_interval_of_a_share_covers_it_as_often_as_it_says():
    covered = []
    for study in range(400):
        random = generator("test", "coverage", study)
        ceiling = 0.5 + 0.1 * random.normal(size=INITS)
        gains = 0.6 * ceiling + 0.1 * random.normal(size=INITS)
        found = summary._ratio(gains, ceiling, 0.05, "")
        covered.append(found.ci_low <= 0.6 <= found.ci_high)
    assert 0.92 < np.mean(covered) < 0.98  # 400 draws: 0.95 ± 3 × 0.011


@pytest.mark.parametrize("quantity", ["roles", "masks"])
def test_ends_that_follow_the_ticket_read_as_latent(quantity):
    rows = verdicts(FOLLOW_TICKET, quantity)
    assert verdict(rows, "than with the rest") == LATENT
    assert verdict(rows, "as many random") == LATENT
    if quantity == "roles":
        assert verdict(rows, "with the ticket's initial") == LATENT
        assert verdict(rows, "with all other") == LATENT


@pytest.mark.parametrize("shares", [FOLLOW_NOTHING, FOLLOW_REST], ids=["nothing", "the rest"])
def test_ends_that_follow_nothing_or_the_rest_read_as_built(shares):
    rows = verdicts(shares)
    for words in ("with the ticket's initial", "with all other", "than with the rest", "as many random"):
        assert verdict(rows, words) == BUILT


def test_a_share_between_the_bounds_is_mixed_and_a_ticket_no_better_than_its_size_is_not_latent():
    rows = verdicts({"ticket": 0.5, "rest": 0.5, "random": 0.5})
    assert verdict(rows, "with the ticket's initial") == MIXED
    assert verdict(rows, "than with the rest") == BUILT and verdict(rows, "as many random") == BUILT
    assert not any("largest" in words for words in rows)  # a part that was not tried has no row


def test_that_the_rest_keeps_little_is_not_latent_while_nothing_is_known_of_the_ticket():
    shares = table({"ticket": 0.1, "rest": 0.0})
    shares.loc[shares["contrast"] == "ticket", ["ci_low", "ci_high"]] = [-0.2, 0.4]
    rows = {row["quantity"]: row for _, row in resampling.predictions_of_parts(shares, {"test": JUDGING})}
    row = next(row for words, row in rows.items() if "of roles kept with all other" in words)
    assert row["verdict"] == INCONCLUSIVE and "whether the ticket keeps more is open" in row["reason"]


@pytest.mark.parametrize("shares", [FOLLOW_TICKET, FOLLOW_NOTHING], ids=["the ticket", "nothing"])
def test_of_masks_only_differences_are_read_since_no_part_keeps_one_in_full(shares):
    """Weights that are drawn again can start large and stay so: the share of a part that decides all is below 1."""
    rows = verdicts(shares, "masks")
    for words in ("with the ticket's initial", "with all other"):
        (row,) = (row for quantity, row in rows.items() if words in quantity)
        assert (row["sign_if_latent"], row["sign_if_built"], row["verdict"]) == ("any", "any", NO_SIDE)
        assert "drawn anew" in row["reason"]


@pytest.mark.parametrize(
    ("largest", "words"),
    [
        (0.9, "keeps more than its largest initial weights do, by 0."),
        (1.2, "keeps less than its largest initial weights do, by 0."),
        (0.5, "a ticket is more than its large initial weights"),
    ],
)
def test_a_ticket_that_differs_from_the_largest_weights_is_not_said_to_keep_the_same(largest, words):
    rows = verdicts({**FOLLOW_TICKET, "largest": largest})
    (row,) = (row for quantity, row in rows.items() if "largest" in quantity)
    assert row["verdict"] == NO_SIDE and words in row["reason"]


def test_that_the_largest_weights_keep_as_much_speaks_for_neither_view():
    rows = verdicts({**FOLLOW_TICKET, "largest": 1.0})
    row = next(row for words, row in rows.items() if "largest" in words)
    assert row["verdict"] == NO_SIDE and "large initial weights keep" in row["reason"]


def test_where_data_orders_decide_everything_there_is_nothing_to_keep():
    rows = verdicts(FOLLOW_TICKET, ceiling=CHANCE)
    assert {row["verdict"] for row in rows.values()} == {INCONCLUSIVE, NO_SIDE}
    assert all("nothing to keep" in row["reason"] and np.isnan(row["dose"]) for row in rows.values() if row["reason"])


def test_one_initialisation_alone_has_agreements_but_no_shares():
    """It has no other to agree with, so what is kept has no chance level."""
    frame = agreements(FOLLOW_TICKET)
    frame = frame[frame["init_seed"].eq(0) & frame["pair"].ne(NOTHING)]
    found = pd.DataFrame(summary.kept(frame, metrics(FOLLOW_TICKET), 0.05)).set_index(["quantity", "contrast"])
    share = found.loc[("roles: share", "ticket")]
    assert np.isnan(share["estimate"]) and share["reason"] == "one initialisation has no interval"
    assert np.isfinite(found.loc[("roles: agreement", "ticket"), "estimate"])


def auc_rows(first, last=0.95, permuted=0.5, overlap=0.0, half=0.03):
    rows = [
        (0, "AUC", "roles", first),
        (40, "AUC", "roles", (first + last) / 2),
        (100, "AUC", "roles", last),
        (0, "AUC", "permuted", permuted),
        (0, "supermask", "supermask_kaiming, 50% kept", overlap),
        (0, "supermask", "all", overlap),
        (0, "supermask", "all, other init", 0.0),
    ]
    frame = pd.DataFrame(rows, columns=["step", "quantity", "contrast", "estimate"])
    ends = {"ci_low": frame["estimate"] - half, "ci_high": frame["estimate"] + half}
    return frame.assign(study="test", score="all", n=INITS, **ends)


def p8(**values):
    found = forecast.predictions_of_roles(auc_rows(**values), {"test": FORETELLING})
    return [row for _, row in found]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"first": 0.7}, LATENT),
        ({"first": 0.52}, BUILT),
        ({"first": 0.6}, INCONCLUSIVE),
        ({"first": 0.3}, INCONCLUSIVE),  # the wrong way round is no chance, and predicts nothing
        ({"first": 0.7, "permuted": 0.65}, INCONCLUSIVE),
        ({"first": 0.52, "last": 0.55}, INCONCLUSIVE),
    ],
)
def test_roles_are_predicted_at_step_0_or_not_or_the_instrument_says_nothing(values, expected):
    assert p8(**values)[0]["verdict"] == expected


@pytest.mark.parametrize(("overlap", "expected"), [(0.4, LATENT), (0.05, BUILT), (0.2, INCONCLUSIVE)])
def test_supermasks_choose_what_comes_to_matter_or_not(overlap, expected):
    assert p8(first=0.5, overlap=overlap)[1]["verdict"] == expected


def test_the_rows_take_their_place_among_the_predictions():
    own = section()
    frame = example("test", own)
    further = [
        *resampling.predictions_of_parts(table(FOLLOW_TICKET), {"test": JUDGING}),
        *forecast.predictions_of_roles(auc_rows(0.5), {"test": FORETELLING}),
        ("another study", p8(first=0.9)[0]),
    ]
    found = predictions.predict(frame, judged(frame, test=own), figure_settings(test=own), calibration_of(), further)
    counts = found["prediction"].value_counts()
    assert counts["P3"] == 10 and counts["P8"] == 3
    # What belongs to no study of the run stands behind them.
    assert found["study"].tolist() == ["test"] * (len(found) - 1) + ["another study"]


def test_the_shares_of_all_studies_have_one_scale_that_holds_every_interval():
    wide = table(FOLLOW_TICKET).assign(ci_low=-2.0, study="other")
    both = pd.concat([table(FOLLOW_TICKET), wide])
    drawn = resampling_figure.parts(both, dict.fromkeys(["test", "other"], JUDGING.model_dump()))
    ((low, high),) = {axes.get_ylim() for axes in drawn.axes}
    assert low < -2.0 and high > 1


def test_the_figures_draw_every_part_and_every_step():
    drawn = resampling_figure.parts(table(FOLLOW_TICKET), {"test": JUDGING.model_dump()})
    assert len(drawn.axes) == 2
    heights = {float(line.get_ydata()[0]) for line in drawn.axes[0].lines if line.get_marker() != "None"}
    shares = table(FOLLOW_TICKET).query("quantity == 'roles: share' and contrast in @FOLLOW_TICKET")
    assert heights == set(shares["estimate"])
    tables_frame = auc_rows(0.55)
    drawn = forecast_figure.roles(tables_frame[list(FORECAST.columns)], {"test": FORETELLING.model_dump()})
    curves = {line.get_label(): line.get_ydata().tolist() for line in drawn.axes[0].lines}
    assert pytest.approx(curves["roles, by components at step k"]) == [0.55, 0.75, 0.95]
    empty = resampling_figure.parts(table(FOLLOW_TICKET, ceiling=CHANCE), {"test": JUDGING.model_dump()})
    assert any("nothing to keep" in text.get_text() for text in empty.axes[0].texts)
