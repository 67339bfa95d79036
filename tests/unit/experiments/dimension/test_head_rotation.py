"""Rotated heads: the same function, as many large weights fewer, and the rows that the table asks for."""

import numpy as np
import pandas as pd
import pytest
import torch

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.experiments.dimension import head_rotation
from workflow_scripts.ticketlab.settings.dimension import RotationSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    COMPLEXITY,
    NONE,
    PRINCIPAL,
    PRUNED,
    RANDOM_ROTATION,
    TRAINED,
)
from workflow_scripts.ticketlab.tasks import markov_chains
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_weights

MEMBERS = stack.dense_members(range(2))
HEADS = 2


def study(kind="markov_chains"):
    section = markov_chains.Settings(kind="markov_chains", context=8, evaluation_sequences=16)
    frame, facts = markov_chains.prepare(section, "test")
    problem = markov_chains.load(frame, facts, section)
    shape = {"kind": "transformer", "layers": 2, "width": 8, "heads": HEADS, "mlp_width": 4}
    model = models.build(shape, problem.inputs, problem.outputs, problem.context)
    return Study("test", problem, model, torch.device("cpu"))


@pytest.fixture(scope="module")
def small():
    return study()


@pytest.fixture(scope="module")
def weights(small):
    drawn = initial_weights(small, range(2))
    # Everything that could betray a rotation is away from where it starts.
    return {
        name: tensor + 0.3 * torch.randn(tensor.shape, generator=torch.manual_seed(1)) for name, tensor in drawn.items()
    }


def turns(small, weights, which):
    if which == PRINCIPAL:
        return head_rotation.principal_rotations(small.model, weights)
    return head_rotation.random_rotations(small.model, weights, "test", MEMBERS, 0)


@pytest.mark.parametrize("which", [RANDOM_ROTATION, PRINCIPAL])
def test_a_rotation_changes_queries_and_keys_and_no_output(small, weights, which):
    rotations = turns(small, weights, which)
    assert set(rotations) == {0, 1}
    for matrices in rotations.values():
        assert torch.allclose(matrices @ matrices.transpose(2, 3), torch.eye(4).expand_as(matrices), atol=1e-5)
    rotated = head_rotation.rotate(small.model, weights, rotations)
    changed = {name for name in weights if not torch.allclose(weights[name], rotated[name], atol=1e-3)}
    assert changed == {f"blocks.{layer}.attention.{part}.weight" for layer in (0, 1) for part in ("query", "key")}
    inputs = torch.from_numpy(small.problem.evaluation["test"][0]).expand(2, -1, -1)
    network = stack.forward(small.model)
    assert torch.allclose(network(weights, inputs)[0], network(rotated, inputs)[0], atol=1e-4)


def test_a_diverged_network_is_not_rotated_and_the_other_is_as_without_it(small, weights):
    broken = {name: tensor.clone() for name, tensor in weights.items()}
    for tensor in broken.values():
        tensor[0] = torch.nan
    found, whole = turns(small, broken, PRINCIPAL), turns(small, weights, PRINCIPAL)
    for layer, matrices in found.items():
        assert torch.equal(matrices[0].abs(), torch.eye(4).expand_as(matrices[0]))
        assert torch.equal(matrices[1], whole[layer][1])


def test_a_rotation_across_heads_would_change_the_outputs(small, weights):
    """What makes the test above one that can fail."""
    rotated = dict(weights)
    for name in ("blocks.0.attention.query.weight", "blocks.0.attention.key.weight"):
        rotated[name] = weights[name].roll(1, dims=1)
    inputs = torch.from_numpy(small.problem.evaluation["test"][0]).expand(2, -1, -1)
    network = stack.forward(small.model)
    assert not torch.allclose(network(weights, inputs)[0], network(rotated, inputs)[0], atol=1e-2)


def test_in_principal_axes_rows_are_orthogonal_and_norms_most_unequal(small, weights):
    rotated = head_rotation.rotate(small.model, weights, turns(small, weights, PRINCIPAL))
    pair = [rotated[f"blocks.0.attention.{part}.weight"].view(2, HEADS, 4, 8) for part in ("query", "key")]
    gram = torch.cat(pair, dim=3) @ torch.cat(pair, dim=3).transpose(2, 3)
    off = gram - torch.diag_embed(gram.diagonal(dim1=2, dim2=3))
    assert off.abs().max() < 1e-4 * gram.abs().max()


def test_rows_for_every_basis_and_density(small, weights):
    training = TrainingSettings(learning_rate=0.01, batch_size=8, steps=3, schedule="constant")
    rows = pd.DataFrame(
        head_rotation.measure(
            small,
            MEMBERS,
            initial_weights(small, range(2)),
            weights,
            RotationSettings(rotations=2, densities=[0.5, 0.2], trained_level=1),
            training,
            LLCSettings(chains=2, draws=16, burn_in=4, batch_size=4),
            ScheduleSettings(keep=0.5),
            "loss",
        )
    )
    bases = {(NONE, 0), (RANDOM_ROTATION, 0), (RANDOM_ROTATION, 1), (PRINCIPAL, 0)}
    assert set(rows[["rotation", "index"]].itertuples(index=False, name=None)) == bases
    counts = rows.groupby("quantity").size().to_dict()
    assert counts == {COMPLEXITY: 8, PRUNED: 24, TRAINED: 8}
    whole = rows[rows["quantity"].eq(PRUNED) & rows["density"].eq(1.0)]
    assert whole.groupby("init_seed")["value"].agg(np.ptp).max() < 1e-5  # the same function in every basis
    pruned = rows[rows["quantity"].eq(PRUNED) & rows["density"].eq(0.2)]
    assert pruned.groupby("init_seed")["value"].agg(np.ptp).min() > 1e-4  # and not the same weights


def test_a_network_without_heads_is_refused(small, weights):
    model = models.build({"kind": "mlp", "hidden": [4]}, 3, 2, 1)
    other = Study("flat", small.problem, model, torch.device("cpu"))
    training = TrainingSettings(learning_rate=0.01, batch_size=8, steps=3)
    with pytest.raises(TicketlabError, match="no attention heads"):
        next(
            head_rotation.measure(
                other,
                MEMBERS,
                weights,
                weights,
                RotationSettings(),
                training,
                LLCSettings(),
                ScheduleSettings(keep=0.5),
                "loss",
            )
        )
