"""Where a component's weights are: changing them changes what this component does, and no other of its layer."""

import numpy as np
import pytest
import torch

from tests.unit.example_models import SECTIONS
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.config import study
from workflow_scripts.ticketlab.experiments.forecast import regression


def drawn(section):
    model = models.build(section, inputs=9, outputs=9, context=6)
    model.initialise(torch.Generator().manual_seed(1))
    return model


def activity_of(component, activities):
    """Of each component of its layer: (components, …)."""
    activity = activities[component.layer]
    return activity.transpose(0, 1) if component.kind == "head" else activity.T


def test_every_kind_of_model_is_tried():
    own = {"module"}  # a user's own: test_module.py
    assert {section["kind"] for section in SECTIONS} | own == models.MODELS.keys() == study.MODELS.keys()


@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_the_weights_are_the_components_own(section):
    model, random = drawn(section), torch.Generator().manual_seed(0)
    features = "features" in study.MODELS[section["kind"]].READS
    inputs = torch.randn(5, 9, generator=random) if features else torch.randint(9, (5, 6), generator=random)
    weights = {name: tensor.detach() for name, tensor in model.named_parameters()}
    before = model(inputs)[1]
    for component in model.components:
        for place in model.weights_of(component).values():
            kept = weights[place.tensor].clone()
            place.of(weights[place.tensor][None]).mul_(-2)
            after = model(inputs)[1]
            weights[place.tensor].copy_(kept)
            old, new = (activity_of(component, activities) for activities in (before, after))
            changed = set(torch.nonzero((old - new).flatten(1).abs().amax(1) > 1e-6).flatten().tolist())
            # Columns read the component, and so do values of heads: they change what comes later. A unit that is off
            # for all inputs, before and after, shows no change.
            assert changed <= ({component.index} if place.axis == 0 else set())
            if component.kind == "head" and place.tensor.endswith(
                ("query.weight", "key.weight", "query_key_value.weight")
            ):
                assert changed == {component.index}


@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_the_components_of_a_layer_share_out_their_tensors_and_have_sizes_of_their_own(section):
    model = drawn(section)
    tensors = {name: tensor.detach().numpy()[None] for name, tensor in model.named_parameters()}
    for layer in {component.layer for component in model.components}:
        own = [model.weights_of(component) for component in model.components if component.layer == layer]
        sizes = regression.by_component(model, tensors, layer)
        for index, (part, place) in enumerate(own[0].items()):
            parts = [places[part].of(tensors[places[part].tensor]) for places in own]
            np.testing.assert_array_equal(np.concatenate(parts, axis=1 + place.axis), tensors[place.tensor])
            assert sizes[0, :, index] == pytest.approx([np.square(part).mean() for part in parts], rel=1e-5)
