"""Critical density and critical bits, against networks of which both are known."""

import numpy as np
import pytest
import torch
from torch import nn

from workflow_scripts.ticketlab.experiments.compression import measure
from workflow_scripts.ticketlab.models.network import Network
from workflow_scripts.ticketlab.settings.compression import CompressionSettings
from workflow_scripts.ticketlab.tasks.problem import Epochs, Problem
from workflow_scripts.ticketlab.training.study import Study

torch.set_num_threads(1)


def test_the_smallest_size_is_found_for_every_network_and_none_where_the_largest_is_too_small():
    wanted = np.array([1, 2, 37, 64, 65])
    found = measure.smallest(lambda sizes: sizes >= wanted, 5, 64)
    np.testing.assert_array_equal(found, [1, 2, 37, 64, np.nan])


def stack_of(*rows):
    return {"w": torch.tensor(rows), "b": torch.full((len(rows), 2), 9.0)}


def test_the_largest_weights_of_all_named_tensors_stay_and_others_are_not_touched():
    weights = stack_of([1.0, -4.0, 3.0, -2.0], [4.0, 3.0, 2.0, 1.0])
    half = measure.largest_weights(weights, ["w"], np.array([measure.SHARES // 2, measure.SHARES // 4]))
    assert half["w"].tolist() == [[0, -4, 3, 0], [4, 0, 0, 0]]
    assert torch.equal(half["b"], weights["b"])
    least = measure.largest_weights(weights, ["w"], np.array([1, measure.SHARES]))
    assert least["w"].tolist() == [[0, -4, 0, 0], [4, 3, 2, 1]]


def test_weights_are_rounded_to_steps_of_their_tensors_largest_and_a_tensor_of_zeros_stays():
    weights = stack_of([1.0, -0.6, 0.2, 0.0], [0.0, 0.0, 0.0, 0.0])
    moved = measure.rounded(weights, ["w"], np.array([2, 2]))
    assert moved["w"].tolist() == [[1.0, -0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    assert torch.equal(moved["b"], weights["b"])
    fine = measure.rounded(weights, ["w"], np.array([1000, 1]))
    torch.testing.assert_close(fine["w"], weights["w"], atol=1e-3, rtol=0)


class Sum(Network):
    """The output is the sum of the weights and of a shift, which is never pruned."""

    def __init__(self, size):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(size))
        self.shift = nn.Parameter(torch.zeros(1))
        self.components, self.prunable, self.positions = [], ["w"], []

    def forward(self, inputs, gates=None):
        return (self.w.sum() + self.shift).expand(len(inputs), 1), []


def study_of(size):
    """The loss of an example is the square of the output."""
    inputs, targets = np.zeros((8, 1), np.float32), np.zeros(8, np.float32)
    epochs = Epochs(8, lambda epoch, chosen: (inputs[chosen], targets[chosen]))
    losses = {"loss": lambda outputs, targets: (outputs[..., 0] - targets).square()}
    problem = Problem(1, 1, 1, lambda random, count: (inputs[:count], targets[:count]), {}, losses, {}, epochs)
    return Study("sum", problem, Sum(size))


def test_density_and_bits_are_the_least_within_the_rise():
    """Of weights 4, 2, 1, ¼ whose sum the shift cancels, what is taken away or added by rounding makes the loss."""
    weights = {"w": torch.tensor([[4.0, 2.0, 1.0, 0.25], [4.0, 2.0, 1.0, float("nan")]])}
    weights["shift"] = torch.tensor([[-7.25], [-7.25]])
    strict, middle, loose = (
        measure.compression(study_of(4), weights, CompressionSettings(rise=rise, examples=8))
        for rise in (0.01, 0.1, 2.0)
    )
    # Without ¼ the loss is 1/16, without 1 as well it is 25/16, without 2 as well 169/16.
    assert [found["density"][0] for found in (strict, middle, loose)] == pytest.approx(
        [0.75 + 1 / measure.SHARES, 0.5 + 1 / measure.SHARES, 0.25 + 1 / measure.SHARES]
    )
    # Steps of 4/k: at k = 1, 2 goes to 4 or 0, 1 and ¼ to 0; k = 4 loses ¼ alone.
    assert strict["loss"][0] == 0
    assert strict["bits"][0] > middle["bits"][0] >= loose["bits"][0]
    assert middle["bits"][0] <= np.log2(2 * 4 + 1)
    assert all(np.isnan(strict[name][1]) for name in ("loss", "density", "bits"))
