"""Parts of which a mask keeps nothing are named: a layer as a whole, else a tensor; in the log as well."""

import logging

import pytest
import torch

from workflow_scripts.ticketlab.training.evaluation import metric_rows
from workflow_scripts.ticketlab.training.kept import emptied


def masks(**kept):
    """A stack of networks from the kept weights of each tensor in each network."""
    return {name: torch.tensor(counts)[:, None, None].gt(torch.arange(4)).float() for name, counts in kept.items()}


def test_a_layer_is_named_as_a_whole_and_a_tensor_alone_by_its_name():
    attention, mlp = "blocks.0.attention.", "blocks.0.mlp.hidden.weight"
    found = masks(
        **{attention + "query.weight": [0, 0, 0, 4], attention + "key.weight": [0, 3, 0, 1], mlp: [1, 1, 0, 1]},
        table=[0, 1, 1, 1],
    )
    assert emptied(found) == [["blocks.0.attention", "table"], ["blocks.0.attention.query"], ["blocks"], []]


def test_a_name_that_begins_alike_is_another_part():
    assert emptied(masks(**{"layers.1.weight": [0], "layers.10.weight": [1], "layers.1.scale": [2]})) == [
        ["layers.1.weight"]
    ]


def test_rows_of_metrics_name_what_is_emptied(digits):
    found = masks(**{"layers.0.weight": [0, 2], "layers.1.weight": [3, 2]})
    rows = metric_rows("digits", digits.members([0, 1]), 5, found, {("test", "loss"): torch.ones(2).numpy()})
    assert rows["emptied"].tolist() == ["layers.0", ""] and rows["density"].tolist() == pytest.approx([0.375, 0.5])


def test_training_under_a_mask_that_empties_a_layer_says_so(digits, adamw, caplog):
    start = digits.start(adamw)
    found = {name: torch.ones_like(tensor) for name, tensor in digits.prunable(start.weights).items()}
    digits.train(digits.members(), start, adamw, [0], masks=found)
    assert not caplog.messages
    found["layers.1.weight"][1:] = 0
    with caplog.at_level(logging.WARNING):
        digits.train(digits.members(), start, adamw, [0], masks=found)
    (line,) = caplog.messages
    assert line.startswith("pruning left no weight in layers.1 of 2 of 3 networks (first: dense, init seed 1")
