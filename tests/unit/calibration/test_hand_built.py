"""Transformers with weights set by hand do what they are set to."""

import numpy as np
import pytest
import torch

from workflow_scripts.ticketlab.calibration import hand_built
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.training import stack


@pytest.mark.parametrize(("symbols", "length"), [(32, 12), (20, 6)])
def test_the_copying_transformer_repeats_what_it_saw(symbols, length):
    model = hand_built.copying_transformer(symbols, 2 * length)
    r = generator("test", "copied", 0).permutation(symbols)[:length]
    with torch.no_grad():
        logits, patterns = model(torch.from_numpy(np.tile(r, 2))[None])
    # At `length`, position 0, which is its own previous one, shares the attention.
    assert (logits[0, length + 1 : -1].argmax(dim=-1).numpy() == r[2:]).all()
    previous, induction = patterns[0][0, 1], patterns[1][0, 0]
    position = torch.arange(2 * length)
    assert previous[position[1:], position[:-1]].min() > 0.999
    later = position[length + 1 :]
    assert induction[later, later - length + 1].min() > 0.95
    assert [model.components[head].layer for head in (hand_built.PREVIOUS_TOKEN, hand_built.INDUCTION)] == [0, 1]


def test_table_transformers_say_what_their_tables_say_whatever_came_before():
    random = generator("test", "tables", 0)
    tables = torch.from_numpy(random.normal(scale=2, size=(3, 5, 5))).log_softmax(dim=-1)
    model, weights = hand_built.table_transformers(tables, 7)
    tokens = torch.from_numpy(random.integers(5, size=(4, 7)))
    with torch.no_grad():
        logits, _ = stack.forward(model)(weights, tokens.expand(3, 4, 7))
    assert torch.allclose(logits.log_softmax(dim=-1), tables[:, tokens].float(), atol=1e-5)
