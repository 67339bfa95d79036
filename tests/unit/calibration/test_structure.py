"""Calibration of the structure distances: sound as they are, and red whenever they are broken on purpose."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import torch

from workflow_scripts.ticketlab.calibration import structure
from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.instruments import reference_distances, transience
from workflow_scripts.ticketlab.instruments.transience import PART, PATH, Course
from workflow_scripts.ticketlab.report.figures.calibration import structure as structure_figure
from workflow_scripts.ticketlab.report.figures.style import RED, save
from workflow_scripts.ticketlab.settings.calibration.structure import StructureCalibrationSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.verdicts import comparisons

QUICK = StructureCalibrationSettings(simulations=60)


def failed(rows):
    return [f"{row['family']}, {row['case']}: {row['quantity']}" for row in rows if not row["passed"]]


@pytest.fixture(scope="module")
def frame():
    torch.set_num_threads(1)
    return structure.calibrate(QUICK)


def test_the_instrument_is_in_calibration_and_its_table_keeps_its_contract(tmp_path, frame):
    assert failed(frame.to_dict("records")) == []
    assert (frame["flag"] == "").all()
    files.write(tmp_path / "a.parquet", CALIBRATION, frame, {})
    files.write(tmp_path / "b.parquet", CALIBRATION, structure.calibrate(QUICK), {})
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_the_closed_form_is_the_sum_over_the_table():
    p, q = (structure.stay_chain(a) for a in (0.5, 0.9))
    np.testing.assert_allclose(np.exp(p).sum(axis=1), 1)
    by_sum = (np.exp(p) * (p - q)).sum(axis=1)
    np.testing.assert_allclose(by_sum, structure.divergence_of_coins(0.5, 0.9))
    assert structure.divergence_of_coins(0.5, 0.9) == pytest.approx(0.5 * np.log(25 / 9))  # by hand


@pytest.mark.parametrize("forgotten", [0.0, 0.1, 0.3])
def test_the_true_course_acquires_and_forgets_what_it_says(forgotten):
    steps = [0, 1, 3, 9, 27, 81, 243]
    course = transience.acquisition_and_forgetting(steps, np.tile(structure.true_course(forgotten, steps), (4, 1)))
    np.testing.assert_allclose(course.acquired, 0.8)
    np.testing.assert_allclose(course.forgotten, forgotten, atol=1e-12)


def test_the_noise_has_the_size_and_persistence_that_the_settings_say():
    settings = StructureCalibrationSettings(seeds=20_000)
    random = generator("test", "noise", 0)
    seen = structure.noisy(np.array([1.0, 0.5, 0.3, 0.2]), settings, random)
    np.testing.assert_allclose(seen.mean(axis=0), [1.0, 0.5, 0.3, 0.2], rtol=0.01)
    np.testing.assert_allclose(np.log(seen).std(axis=0), settings.noise, rtol=0.03)
    neighbours = [np.corrcoef(np.log(seen[:, i]), np.log(seen[:, i + 1]))[0, 1] for i in range(3)]
    np.testing.assert_allclose(neighbours, settings.persistence, atol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_simulated_studies_are_compared_as_real_ones_are(seed):
    steps = [0, 1, 2, 4, 8, 16]
    distances = generator("test", "distances", seed).uniform(0.1, 1, size=(6, len(steps)))
    frame = pd.DataFrame(distances, columns=steps).rename_axis(index="init_seed", columns="step").stack()
    frame = frame.rename("distance").reset_index().assign(structure="unigram")
    part = frame.assign(distance=frame["distance"] ** 2, way=PART)
    path = frame[frame["step"] == steps[-1]].assign(distance=lambda rows: rows["distance"] / 2, way=PATH)
    real = pd.DataFrame(comparisons.structure(frame, pd.concat([part, path]), structure.JUDGING))
    ours = pd.DataFrame(structure.compare("unigram", steps, distances, distances**2, distances[:, -1] / 2))
    real = real[real["contrast"].isin(ours["contrast"])].set_index("contrast").loc[ours["contrast"]].reset_index()
    pd.testing.assert_frame_equal(ours, real[ours.columns], check_dtype=False)


divergence, course_of = reference_distances.divergence, transience.acquisition_and_forgetting


def sign_swapped(*arguments):
    return {name: -values for name, values in divergence(*arguments).items()}


def direction_swapped(references, log_q, count, chunk):
    """KL(q ‖ p)."""
    whole = log_q(slice(None)).double()
    return {
        name: (whole.exp() * (whole - log_p.double())).sum(-1).flatten(1).mean(1).numpy()
        for name, log_p in references.predictions.items()
    }


def summed_over_places(references, log_q, count, chunk):
    places = next(iter(references.predictions.values()))[..., 0].numel()
    return {name: places * values for name, values in divergence(references, log_q, count, chunk).items()}


@pytest.mark.parametrize("broken", [sign_swapped, direction_swapped, summed_over_places])
def test_a_broken_distance_is_out_of_calibration(monkeypatch, broken):
    monkeypatch.setattr(reference_distances, "divergence", broken)
    for family in ("between_chains", "two_symbols", "fitted"):
        assert failed(getattr(structure, family)(QUICK)), family


def test_swapped_predictors_are_out_of_calibration(monkeypatch):
    def swapped(*arguments):
        found = divergence(*arguments)
        return dict(zip(reversed(found), found.values(), strict=True))

    monkeypatch.setattr(reference_distances, "divergence", swapped)
    assert failed(structure.between_chains(QUICK))
    assert failed(structure.scripted(QUICK))


def test_logits_taken_for_log_probabilities_are_out_of_calibration(monkeypatch):
    """Only networks go through a softmax, so only they show it."""
    monkeypatch.setattr(torch.Tensor, "log_softmax", lambda self, dim: self + 1)
    red = failed(structure.between_chains(QUICK))
    assert red
    assert all("network" in name for name in red)


def direction_of_time_swapped(steps, distances):
    return course_of(steps, distances[:, ::-1])


def end_instead_of_start(steps, distances):
    course = course_of(steps, distances)
    return Course(course.acquired, -course.forgotten, course.turning_step)


@pytest.mark.parametrize("broken", [direction_of_time_swapped, end_instead_of_start])
def test_broken_acquisition_and_forgetting_are_out_of_calibration(monkeypatch, broken):
    monkeypatch.setattr(transience, "acquisition_and_forgetting", broken)
    assert failed(structure.scripted(QUICK))


def test_a_minimum_located_where_it_is_evaluated_is_out_of_calibration(monkeypatch):
    def naive(steps, distances):
        lowest = distances.min(axis=1)
        gained = distances[:, 0] - lowest
        turning = np.array(steps)[distances.argmin(axis=1)]
        return Course(gained / distances[:, 0], (distances[:, -1] - lowest) / gained, turning)

    monkeypatch.setattr(transience, "acquisition_and_forgetting", naive)
    red = failed(structure.false_positives(QUICK))
    assert "noisy, acquired and kept: forgotten" in red


def test_p_values_that_are_too_small_are_out_of_calibration(monkeypatch):
    not_worse = statistics.not_worse

    def lenient(*arguments):
        result = not_worse(*arguments)
        return type(result)(**{**asdict(result), "p": result.p / 4})  # more than Holm takes back

    monkeypatch.setattr(statistics, "not_worse", lenient)
    red = failed(structure.false_positives(StructureCalibrationSettings(simulations=200)))
    assert "verdict, retained to the threshold: rate of lost, at most" in red


def test_the_figure_shows_a_failed_check_in_red_and_is_the_same_each_time(tmp_path, frame):
    broken = frame.assign(passed=frame["passed"] & (frame.index > 0))

    def red_lines(rows):
        axes = structure_figure.figure(rows).axes[0]
        return [line for line in axes.lines if line.get_color() == RED and len(line.get_xdata())]

    assert not red_lines(frame)
    assert red_lines(broken)
    for file in ("a.png", "b.png"):
        save(structure_figure.figure(frame), [tmp_path / file])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
