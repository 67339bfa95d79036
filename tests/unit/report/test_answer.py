import pandas as pd
import pytest

from tests.unit.example_results import calibration_of
from tests.unit.report.example_page import example_tables, roles_of
from workflow_scripts.ticketlab.report import answer
from workflow_scripts.ticketlab.report.page import heads, svg
from workflow_scripts.ticketlab.report.page.prediction_rows import place
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

FAMILIES = ("previous_token", "induction")


def answers(*rows):
    return pd.DataFrame(rows, columns=["study", "kind", "decision"])


def test_the_sentence_counts_each_side_and_names_test_and_study():
    said = answer.sentence(
        answers(
            ("text", "winning_ticket", "supports LTH"),
            ("big_text", "roles_change", "refutes LTH"),
            ("text", "roles_change", "refutes LTH"),
            ("text", "transience", "inconclusive (instrument)"),
            ("text", "fixed_roles", "refutes LTH"),
        )
    )
    assert said == (
        "Of 4 answers in 2 studies, 1 supports the lottery ticket hypothesis (tickets from θ₀ in text), "
        "2 refute it (roles in big text and text) "
        "and 1 is open, 1 of them because an instrument is out of calibration."
    )


def test_a_sentence_without_support_names_the_hypothesis_where_it_is_refuted():
    said = answer.sentence(answers(("text", "transience", "refutes LTH")))
    assert said == "Of 1 answers in one study, 1 refutes the lottery ticket hypothesis (transience in text)."


def test_a_sentence_about_nothing_decided_says_so():
    said = answer.sentence(answers(("text", "transience", "inconclusive")))
    assert said == "None of the 1 answers in one study is decided."


def test_the_lamps_name_what_is_lacking():
    frame, verdicts = example_tables()
    metrics = {"text": "loss", "digits": "error"}
    trained, calibrated, powered = answer.lamps(frame, verdicts, calibration_of(roles="a broken case"), metrics)
    assert calibrated.state == answer.SOME and "a broken case" in calibrated.lacking[0]
    assert (trained.holds, trained.of) == (2, 2) and trained.state == answer.ALL
    assert powered.holds + len(powered.lacking) == powered.of


def test_a_network_that_ends_as_it_began_has_not_learned():
    frame, _ = example_tables()
    dense = frame["contrast"].eq("dense") & frame["test"].eq("tickets")
    frame.loc[dense, ["estimate", "ci_low", "ci_high"]] = [1.0, 0.9, 1.1]
    assert not answer.has_learned(frame, "text", "loss")


@pytest.mark.parametrize(("value", "place_of"), [(0.0, 0.0), (0.1, 1.0), (-0.05, -0.5), (1.0, 2.0), (-1e9, -3.0)])
def test_differences_are_drawn_in_margins(value, place_of):
    assert svg.in_margins(value, 0.1) == pytest.approx(place_of)


def test_the_map_shows_the_role_that_stands_out_against_the_untrained_networks():
    found = heads.role_map(roles_of("text", steps=(0, 8)), FAMILIES)
    assert found["steps"] == [0, 8] and found["chance"] == "the untrained networks"
    first, last = found["frames"]
    holders = [place for place, role in enumerate(last["role"]) if found["roles"][role]["name"] == "previous token"]
    assert {1, 9} <= set(holders), "head 1 of layer 0, of either network"
    assert last["role"][1] >= 0 and first["radius"][1] < last["radius"][1]
    assert len(first["role"]) == sum(len(network["places"]) for network in found["networks"]) == 16


def test_at_one_step_chance_is_all_components():
    found = heads.role_map(roles_of("text", steps=(8,)), FAMILIES)
    assert found["steps"] == [8] and found["chance"] == "all components at the same step"
    assert [place for place, role in enumerate(found["frames"][0]["role"]) if role >= 0].count(1) == 1


def test_without_scores_there_is_no_map():
    assert heads.role_map(roles_of("text").head(0), FAMILIES) is None


def row(latent, built, dose=0.5, verdict="mixed"):
    return {
        "sign_if_latent": latent,
        "sign_if_built": built,
        "dose": dose,
        "ci_low": 0.25,
        "ci_high": 0.75,
        "verdict": verdict,
    }


def test_a_dose_stands_between_the_bounds_of_the_two_views():
    settings = JudgingSettings(margin=0.02, determined=0.75, undetermined=0.25)
    assert place(row("≥ 0.75", "≤ 0.25"), settings) == pytest.approx((0.5, 0.0, 1.0))
    assert place(row("≤ 0.25", "≥ 0.75", dose=0.25), settings) == pytest.approx((1.0, 0.0, 1.0))
    assert place(row("any", "any"), settings) is None
    assert place(row("rises", "falls", verdict="latent"), settings) == (1.0, 1.0, 1.0)
