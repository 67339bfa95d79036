"""What a user's own network may hold: scalars, frozen and tied parameters; what is refused, by name."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.models.network import Component, Network, Place, check
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.batches import batch
from workflow_scripts.ticketlab.training.train import learning_rate

RECIPE = TrainingSettings(optimiser="sgd", learning_rate=0.1, weight_decay=0.1, batch_size=8, steps=6)


class Own(Network):
    """Digits through frozen noise, a matrix, its transpose (tied to it) and a readout, times a scalar."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(1.0))
        self.encoder = nn.Parameter(torch.zeros(5, 64))
        self.decoder = nn.ParameterDict({"transposed": self.encoder})
        self.readout = nn.Linear(64, 10, bias=False)
        self.frozen_noise = nn.Parameter(torch.zeros(64, 64), requires_grad=False)
        self.components, self.prunable = [], ["encoder", "readout.weight"]

    def initialise(self, generator):
        for tensor in self.parameters():
            tensor.detach().normal_(std=0.3, generator=generator)

    def forward(self, x, gates=None):
        x = x + x @ self.frozen_noise
        hidden = torch.tanh(x @ self.encoder.T)
        return self.gain * self.readout(hidden @ self.decoder["transposed"]), [hidden]


@pytest.fixture
def own(digits):
    return replace(digits, model=Own())


def test_scalar_frozen_and_tied_parameters_train_as_a_plain_loop_trains_them(own):
    """With masks, momentum and decay; torch's own optimiser over the parameters that are trained."""
    check(own.model, torch.zeros(2, 64))
    start = own.start(RECIPE)
    masks = {name: (tensor > 0).float() for name, tensor in own.prunable(start.weights).items()}
    *_, end = own.train(own.members(), start, RECIPE, [6], masks=masks)
    assert end.weights["gain"].shape == (3,) and "decoder.transposed" not in end.weights
    assert torch.equal(end.weights["frozen_noise"], start.weights["frozen_noise"])

    model = copy.deepcopy(own.model)
    named = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in named.items():
            tensor.copy_(start.weights[name][1] * masks[name][1] if name in masks else start.weights[name][1])
    decayed = [named["encoder"], named["readout.weight"]]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": [named["gain"]], "weight_decay": 0.0}]
    optimiser = torch.optim.SGD(groups, lr=0.1, momentum=RECIPE.momentum)
    for step in range(6):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(RECIPE, step, 6)
        optimiser.zero_grad()
        x, y = (torch.from_numpy(side) for side in batch(own.called("digits"), 1, step, RECIPE))
        F.cross_entropy(model(x)[0], y).backward()
        for name, mask in masks.items():
            named[name].grad *= mask[1]
        optimiser.step()
    for name, tensor in named.items():
        torch.testing.assert_close(tensor.detach(), end.weights[name][1], atol=2e-5, rtol=1e-4)


def test_they_are_stored_and_counted_as_what_they_are(own, tmp_path, cpu):
    """A tied matrix counts once, a frozen one not at all: 5 · 64 + 64 · 10 + 1."""
    start = own.start(RECIPE)
    checkpoints.write_weights(
        tmp_path / "w.parquet", {"spec": "", "code": "", "lock": ""}, "digits", own.members(), start
    )
    _, read = checkpoints.read_weights(tmp_path / "w.parquet", 0, cpu)
    assert all(torch.equal(read[name], tensor) for name, tensor in start.weights.items()) and read["gain"].shape == (3,)
    settings = LLCSettings(chains=2, draws=16, burn_in=0)
    study, members = own.called("digits"), own.members()
    dense = llc.measure(study, members, start.weights, 0, settings)
    assert dense.parameters.tolist() == [961] * 3
    masks = pruning.keep_top(pruning.magnitude(own.prunable(start.weights)), 100)
    sparse = {**start.weights, **{name: start.weights[name] * mask for name, mask in masks.items()}}
    assert llc.measure(study, members, sparse, 0, settings, masks).parameters.tolist() == [101] * 3


class Shifted(Own):
    """Its only trained number shifts all logits alike, so that the loss is that of the frozen weights."""

    def __init__(self):
        super().__init__()
        for tensor in self.parameters():
            tensor.requires_grad_(tensor is self.gain)
        self.prunable = []

    def forward(self, x, gates=None):
        return self.readout(x @ self.encoder.T @ self.encoder) + self.gain, []


def test_chains_leave_frozen_weights_where_they_are(digits):
    own = replace(digits, model=Shifted())
    traces = llc.measure(
        own.called("digits"), own.members(), own.start(RECIPE).weights, 0, LLCSettings(chains=2, draws=20, burn_in=0)
    )
    torch.testing.assert_close(traces.loss, traces.baseline, atol=1e-4, rtol=1e-5)
    assert traces.parameters.tolist() == [1] * 3


def changed(**attributes):
    model = Own()
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


def forward_of(function):
    model = Own()
    inner = model.forward
    model.forward = lambda x, gates=None: (function(inner(x)[0]), [])
    return model


def with_dropout():
    drop = nn.Dropout(0.1)
    model = forward_of(drop)
    model.drop = drop
    return model


def with_batch_norm():
    norm = nn.BatchNorm1d(10)
    model = forward_of(norm)
    model.norm = norm
    return model


def owner_of(tensor):
    model = changed(components=[Component(0, "unit", 0)])
    model.weights_of = lambda component: {"input": Place(tensor, 0, 0, 1)}
    return model


REFUSED = {
    "dropout": (with_dropout, "forward draws random numbers in drop, .*remove dropout"),
    "functional dropout": (lambda: forward_of(F.dropout), "forward draws random numbers, .*remove dropout"),
    "running statistics": (with_batch_norm, "changes the buffer norm.running_.*without running statistics"),
    "unused": (
        lambda: changed(idle=nn.Parameter(torch.ones(3, 5))),
        "do not depend on parameter idle; remove it, or",
    ),
    "pruned and frozen": (
        lambda: changed(prunable=["frozen_noise"]),
        "prunable names frozen_noise, which is frozen; leave",
    ),
    "pruned scalar": (lambda: changed(prunable=["gain"]), "prunable names gain, a single number; leave it out"),
    "pruned twice": (lambda: changed(prunable=["decoder.transposed"]), "which is tied to encoder; use that name"),
    "pruned nothing": (lambda: changed(prunable=["absent"]), "absent, which is no parameter; there are gain, encoder"),
    "component": (
        lambda: owner_of("decoder.transposed"),
        "weights_of.*names decoder.transposed, which is tied to encoder",
    ),
    "all frozen": (lambda: changed(prunable=[]).requires_grad_(False), "no parameter that is trained; freeze fewer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_stack_cannot_train_is_refused_by_name(name):
    build, words = REFUSED[name]
    with pytest.raises(TicketlabError, match=f"model Own: .*{words}"):
        check(build(), torch.randn(2, 64))


def test_an_idle_parameter_that_is_frozen_is_accepted():
    check(changed(idle=nn.Parameter(torch.ones(3, 5), requires_grad=False)), torch.randn(2, 64))


def test_the_projects_own_networks_pass(digits, tokens):
    for case in (digits, tokens):
        check(case.model, torch.from_numpy(case.problem.evaluation["test"][0][:2]))
    check(models.build({"kind": "embedding_mlp", "width": 4, "hidden": 5}, 7, 7, 1), torch.tensor([[0, 3]]))
