"""The pruning procedure passes its calibration, and each way to break it that is tried here turns it red."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from workflow_scripts.ticketlab.calibration import pruning
from workflow_scripts.ticketlab.calibration.pruning import by_chance, digits, plant, planted, shared, ticket_with_noise
from workflow_scripts.ticketlab.core import instruments
from workflow_scripts.ticketlab.models.mlp import MLP
from workflow_scripts.ticketlab.pruning import imp
from workflow_scripts.ticketlab.pruning import masks as pruning_masks
from workflow_scripts.ticketlab.report.figures.calibration import pruning as pruning_figure
from workflow_scripts.ticketlab.settings import schedule
from workflow_scripts.ticketlab.settings.calibration.pruning import PruningCalibrationSpec
from workflow_scripts.ticketlab.settings.procedure import Procedure
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.training.train import train
from workflow_scripts.ticketlab.verdicts import tickets

TRIED = Procedure(scope="global", keep=0.5, schedule="cosine", metric="error")
DEFAULT = PruningCalibrationSpec(classic=None, procedures=[TRIED])
SMALL = DEFAULT.model_copy(
    update={
        "seeds": 3,
        "linear": DEFAULT.linear.model_copy(
            update={
                "inputs": 20,
                "outputs": 5,
                "planted_round": 2,
                "rounds": 3,
                "training": DEFAULT.linear.training.model_copy(update={"steps": 100}),
            }
        ),
        "relu": DEFAULT.relu.model_copy(update={"planted_round": 2, "rounds": 2}),
    }
)


@pytest.fixture(scope="module")
def studies():
    """The digits studies of the default settings, with labels and with permuted labels, by whether they are."""
    torch.set_num_threads(1)
    return {
        permuted: pruning.digits_study(str(permuted), DEFAULT.digits, range(DEFAULT.seeds), permuted)
        for permuted in (False, True)
    }


@pytest.fixture
def remembered(studies, monkeypatch):
    monkeypatch.setattr(pruning, "digits_study", lambda study, settings, seeds, permuted: studies[permuted])
    return studies


def linear():
    return pd.DataFrame(planted("linear", SMALL.linear, SMALL))


def failures(frame):
    """What is out of calibration: (case, quantity) of each required check that failed."""
    failed = frame[frame["required"] & ~frame["passed"]]
    return set(zip(failed["case"], failed["quantity"], strict=True))


def test_everything_passes_and_is_a_calibration_table(remembered, tmp_path):
    frame = pruning.calibrate(SMALL)
    assert failures(frame) == set()
    assert set(frame["family"]) == {"linear", "relu", "ticket", "digits", "procedure"}
    (tried,) = frame[frame["family"] == "procedure"].to_dict("records")
    assert tried["case"] == str(TRIED) and tried["n"] == SMALL.seeds and not tried["required"]
    assert set(frame["instrument"]) == {"pruning"} <= set(instruments.INSTRUMENTS)
    files.write(tmp_path / "pruning.parquet", CALIBRATION, frame, {})
    written = files.read(tmp_path / "pruning.parquet", CALIBRATION)
    assert written["estimate"].tolist() == frame["estimate"].tolist()
    assert pruning_figure.figure(written).axes


def test_the_same_settings_give_the_same_rows():
    pd.testing.assert_frame_equal(linear(), linear())


def test_a_teacher_has_its_share_of_every_units_weights_and_no_other():
    settings = DEFAULT.relu
    teacher = plant("t", settings, MLP(settings.inputs, [settings.hidden], settings.outputs))
    first, second = (teacher.support[name][0] for name in ("layers.0.weight", "layers.1.weight"))
    assert set(first.sum(1).tolist()) == {round(settings.density * settings.inputs)}
    assert set(second.sum(0).tolist()) == {round(settings.density * settings.outputs)}
    for name, tensor in teacher.weights.items():
        assert torch.equal((tensor != 0).float(), teacher.support[name])
    x = np.random.default_rng(0).normal(size=(3, settings.inputs)).astype(np.float32)
    model = MLP(settings.inputs, [settings.hidden], settings.outputs)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(teacher.weights[name][0] if name in teacher.weights else torch.zeros_like(parameter))
    np.testing.assert_allclose(model(torch.tensor(x))[0].detach().numpy(), teacher.outputs(x), rtol=1e-4, atol=1e-5)


def test_chance_is_the_sum_of_hypergeometric_laws():
    mask = {"a": torch.zeros(1, 10), "b": torch.zeros(1, 4, 3)}
    support = {name: tensor.clone() for name, tensor in mask.items()}
    mask["a"][0, :6], support["a"][0, 4:8] = 1, 1
    mask["b"][0, 0], support["b"][0, :, 1] = 1, 1
    assert shared(mask, support).tolist() == [2 + 1]
    laws = stats.hypergeom(10, 4, 6), stats.hypergeom(12, 4, 3)
    mean, variance = by_chance(mask, support)
    assert mean[0] == pytest.approx(sum(law.mean() for law in laws))
    assert variance[0] == pytest.approx(sum(law.var() for law in laws))


def test_magnitude_pruning_recovers_all_of_a_linear_teacher():
    """Provable: at the minimum every weight's error is below half the smallest planted weight."""
    frame = linear()
    imp = frame[frame["case"].eq("imp") & frame["required"]]
    assert (imp.loc[imp["quantity"].isin(["recall", "precision"]), "estimate"] == 1).all()
    assert failures(frame) == set()


# Breaking the instrument on purpose.


def test_an_off_by_one_in_the_count_is_red(monkeypatch):
    original = pruning_masks._top
    for wrong in (1, -1):
        monkeypatch.setattr(pruning_masks, "_top", lambda scores, count, wrong=wrong: original(scores, count + wrong))
        failed = failures(linear())
        assert ("imp", "weights kept") in failed
        assert ("imp", "precision" if wrong > 0 else "recall") in failed
        kept_too_few, kept_too_many = ("untrained", "weights lost"), ("untrained", "weights kept beside")
        assert (kept_too_many if wrong > 0 else kept_too_few) in failures(pd.DataFrame(ticket_with_noise(SMALL)))


def test_a_schedule_that_rounds_the_wrong_way_is_red(monkeypatch):
    monkeypatch.setattr(schedule, "round", lambda count: int(count) - 1, raising=False)
    assert ("imp", "weights kept") in failures(linear())


def test_keeping_the_smallest_weights_is_red(monkeypatch):
    monkeypatch.setattr(
        pruning_masks, "magnitude", lambda weights, mask=None: {n: -t.abs() for n, t in weights.items()}
    )
    assert ("imp", "recall") in failures(linear())


def test_masks_that_training_forgets_are_red(monkeypatch):
    def forgetful(*arguments, masks=None, **options):
        return train(*arguments, **options)

    for module in (pruning, imp):
        monkeypatch.setattr(module, "train", forgetful)
    assert {("imp", "weights kept"), ("imp", "weights revived")} <= failures(linear())


def test_pruning_an_untrained_network_is_red(monkeypatch):
    """The criterion looks at the start instead of the end, so that the mask knows of |θ₀| only."""
    original = pruning._last

    def untrained(bench, members, start, mask):
        return replace(original(bench, members, start, mask), weights=start.weights)

    monkeypatch.setattr(pruning, "_last", untrained)
    assert {("imp", "recall"), ("imp", "precision")} <= failures(linear())


def test_a_shuffle_that_does_nothing_is_red(monkeypatch):
    monkeypatch.setattr(pruning_masks, "shuffle", lambda mask, study, members: mask)
    assert {("shuffled", "recall"), ("shuffled", "precision")} <= failures(linear())


def test_a_random_control_that_peeks_is_red(monkeypatch):
    """Random scores inside the ticket's mask first: a third of the way to the ticket is seen."""
    original = pruning_masks.random_scores

    def peeking(weights, study, members):
        scores = original(weights, study, members)
        return {name: score + 0.3 * weights[name] for name, score in scores.items()}

    monkeypatch.setattr(pruning_masks, "random_scores", peeking)
    assert ("random", "recall") in failures(linear())


def test_a_verdict_that_forgets_the_controls_is_red(remembered, monkeypatch):
    """A ticket that merely matches would win, and on permuted labels everything matches: all are at chance."""
    monkeypatch.setattr(tickets, "DECISIVE_CONTROLS", ("dense",))
    assert ("permuted labels 0", "sparse winning tickets by loss") in failures(pd.DataFrame(digits(DEFAULT)))


def test_a_null_study_that_is_none_is_red(studies, monkeypatch):
    monkeypatch.setattr(pruning, "digits_study", lambda *arguments: studies[False])
    wrong = {("permuted labels 0", "dense error"), ("permuted labels 0", "sparse winning tickets by error")}
    assert wrong <= failures(pd.DataFrame(digits(DEFAULT)))


def test_a_procedure_that_finds_no_ticket_is_red(studies, monkeypatch):
    """The positive control: tickets as good as shuffled masks and no better, as if training never saw the mask."""
    bench, rounds, metrics = studies[False]
    ticket = metrics[metrics["variant"] == "ticket"]
    ordinary = pd.concat([metrics[metrics["variant"] != "shuffled"], ticket.assign(variant="shuffled")])
    monkeypatch.setattr(
        pruning,
        "digits_study",
        lambda study, settings, seeds, permuted: studies[True] if permuted else (bench, rounds, ordinary),
    )
    assert failures(pd.DataFrame(digits(DEFAULT))) == {("labels", "sparse winning tickets by error")}


def test_a_procedure_that_does_not_win_licenses_nothing_and_breaks_nothing(monkeypatch):
    """No pruning is left to find: the control is the ticket itself."""
    original = pruning.tickets

    def alike(*arguments):
        rounds, metrics = original(*arguments)
        ticket = metrics[metrics["variant"] == "ticket"]
        return rounds, pd.concat([metrics[metrics["variant"] != "shuffled"], ticket.assign(variant="shuffled")])

    monkeypatch.setattr(pruning, "tickets", alike)
    short = DEFAULT.digits.model_copy(update={"training": DEFAULT.digits.training.model_copy(update={"steps": 50})})
    row = pruning.procedure(TRIED, short, range(3))
    assert (row["passed"], row["required"], row["estimate"]) == (False, False, 0)
