"""Where a component's weights are: changing them changes what this component does, and no other of its layer."""

import numpy as np
import pytest
import torch

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.experiments.forecast import regression
from workflow_scripts.ticketlab.models.components import PLACES

MODELS = {
    "transformer": {"kind": "transformer", "layers": 2, "width": 12, "heads": 3},
    "mlp": {"kind": "mlp", "hidden": [7, 5]},
    "embedding_mlp": {"kind": "embedding_mlp", "width": 6, "hidden": 8},
}


def activity_of(kind, activities, layer):
    """(components, …) of a layer."""
    return activities[layer].transpose(0, 1) if kind == "transformer" else activities[layer].T


@pytest.mark.parametrize("kind", PLACES)
def test_the_slices_are_the_components_own(kind):
    torch.manual_seed(0)
    model = models.build(MODELS[kind], inputs=9, outputs=4, context=6)
    model.initialise(torch.Generator().manual_seed(1))
    inputs = torch.randn(5, 9) if kind == "mlp" else torch.randint(9, (5, 6))
    with torch.no_grad():
        before = model(inputs)[1]
    weights = dict(model.named_parameters())
    for component in model.components:
        count = sum(other.layer == component.layer for other in model.components)
        places = PLACES[kind](component.layer)
        tensors = {name: weights[name].detach().numpy()[None] for name in places}
        sizes = regression.by_component(kind, tensors, component.layer, count)
        for index, (name, axis) in enumerate(places.items()):
            parts = np.split(tensors[name][0], count, axis=axis)
            assert sizes[0, component.index, index] == pytest.approx(np.square(parts[component.index]).mean())
        incoming = [name for name, axis in places.items() if axis == 0]
        with torch.no_grad():
            kept = {name: weights[name].clone() for name in incoming}
            for name in incoming:
                weights[name].chunk(count, dim=0)[component.index].mul_(-2)
            after = model(inputs)[1]
            for name, values in kept.items():
                weights[name].copy_(values)
        old, new = (activity_of(kind, activities, component.layer) for activities in (before, after))
        changed = (old - new).flatten(1).abs().amax(1) > 1e-6
        # A unit that is off for all inputs, before and after, shows no change.
        assert set(torch.nonzero(changed).flatten().tolist()) <= {component.index}
        assert kind != "transformer" or changed[component.index]
