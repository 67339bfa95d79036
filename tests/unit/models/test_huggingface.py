"""Decoders of transformers: in a stack they are what they are alone, and they can be pruned, ablated and told apart."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from workflow_scripts.preflight import tensors
from workflow_scripts.preflight.tensors import Pruned
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.instruments import llc, role_scores
from workflow_scripts.ticketlab.models.huggingface import Decoder
from workflow_scripts.ticketlab.models.network import check
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning import supermask
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_weights

ROOT = Path(__file__).parents[3]
SYMBOLS, TIME = 7, 6
SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}
SECTIONS: dict[str, dict[str, Any]] = {
    "gpt_neox": SHAPE | {"intermediate_size": 24},
    "gpt2": {"n_embd": 16, "n_layer": 2, "n_head": 4},
    "llama": SHAPE | {"intermediate_size": 24, "num_key_value_heads": 2},
    "qwen2": SHAPE | {"intermediate_size": 24, "num_key_value_heads": 4},
    "mistral": SHAPE | {"intermediate_size": 24, "num_key_value_heads": 2, "sliding_window": 3},
}


def section(architecture: str, **keys: Any) -> dict[str, Any]:
    spread = {"initializer_range": 0.2}  # the library's .02 suits wide networks
    return {"kind": "huggingface", "architecture": architecture, **spread, **SECTIONS.get(architecture, {}), **keys}


def drawn(architecture: str, seed: int = 0, **keys: Any) -> Decoder:
    network = models.build(section(architecture, **keys), SYMBOLS, SYMBOLS, TIME)
    assert isinstance(network, Decoder)
    network.initialise(torch.Generator().manual_seed(seed))
    return network


def of(network: Decoder) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.named_parameters()}


TOKENS = torch.randint(SYMBOLS, (5, TIME), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("architecture", SECTIONS)
def test_outputs_patterns_and_gradients_of_a_stack_are_those_of_the_librarys_own_networks(architecture: str) -> None:
    networks = [drawn(architecture, seed) for seed in range(3)]
    check(networks[0], TOKENS)
    weights = stack.stack([of(network) for network in networks])
    for tensor in weights.values():
        tensor.requires_grad_()
    logits, patterns = stack.forward(networks[0])(weights, TOKENS.expand(3, *TOKENS.shape))
    logits.log_softmax(-1)[..., 0].mean((1, 2)).sum().backward()
    for index, network in enumerate(networks):
        alone = AutoModelForCausalLM.from_config(network.config, attn_implementation="eager").eval()
        alone.load_state_dict(network.decoder.state_dict())
        found = alone(input_ids=TOKENS, output_attentions=True)
        torch.testing.assert_close(logits[index], found.logits, atol=2e-6, rtol=1e-5)
        for ours, theirs in zip(patterns, found.attentions, strict=True):
            torch.testing.assert_close(ours[index], theirs, atol=1e-6, rtol=1e-5)
        found.logits.log_softmax(-1)[..., 0].mean().backward()
        for name, tensor in alone.named_parameters():
            gradient = weights[f"decoder.{name}"].grad
            assert gradient is not None and tensor.grad is not None
            torch.testing.assert_close(gradient[index], tensor.grad, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("architecture", SECTIONS)
def test_symbols_may_be_given_as_shares_of_symbols(architecture: str) -> None:
    """As instruments/nearest_part.py does with the mean of all inputs, in the place of no symbol at all."""
    weights = stack.stack([of(drawn(architecture, seed)) for seed in range(2)])
    forward, shares = stack.forward(drawn(architecture)), F.one_hot(TOKENS, SYMBOLS).float()
    by_symbol, _ = forward(weights, TOKENS.expand(2, *TOKENS.shape))
    by_share, _ = forward(weights, shares.expand(2, *shares.shape))
    torch.testing.assert_close(by_share, by_symbol, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("architecture", SECTIONS)
def test_a_network_does_not_depend_on_its_place(architecture: str) -> None:
    weights = stack.stack([of(drawn(architecture, seed)) for seed in range(3)])
    forward = stack.forward(drawn(architecture))
    together, _ = forward(weights, TOKENS.expand(3, *TOKENS.shape))
    turned, _ = forward(stack.take(weights, [2, 0]), TOKENS.expand(2, *TOKENS.shape))
    assert torch.equal(turned, together[[2, 0]])


@pytest.mark.parametrize("architecture", SECTIONS)
def test_initial_weights_are_the_librarys_and_a_function_of_the_seed(architecture: str) -> None:
    state = torch.get_rng_state()
    network = drawn(architecture, 5)
    first = of(network)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(first[name], tensor) for name, tensor in of(drawn(architecture, 5)).items())
    other = of(drawn(architecture, 6))
    seed = int(torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(5)))
    torch.manual_seed(seed)
    library = AutoModelForCausalLM.from_config(network.config, attn_implementation="eager")
    for name, tensor in library.named_parameters():
        assert torch.equal(tensor, first[f"decoder.{name}"])
    assert all(not torch.equal(first[name], other[name]) for name in network.prunable)


@pytest.mark.parametrize("architecture", SECTIONS)
def test_a_gate_of_1_changes_nothing_and_a_gate_of_0_leaves_a_heads_mean(architecture: str) -> None:
    network = drawn(architecture)
    before, _ = network(TOKENS)
    ones = torch.ones(len(network.components))
    assert torch.equal(network(TOKENS, ones)[0], before)
    for layer in range(2):
        gates = ones.clone()
        gates[4 * layer + 1] = 0
        seen: list[torch.Tensor] = []
        module = network.get_submodule(network.output_maps[layer])
        hook = module.register_forward_hook(lambda _, given, __, seen=seen: seen.append(given[0]))
        whole, _ = network(TOKENS)
        gated, _ = network(TOKENS, gates)
        hook.remove()
        intact, ablated = (side.unflatten(-1, (4, 4)) for side in seen)
        assert torch.equal(ablated[:, :, [0, 2, 3]], intact[:, :, [0, 2, 3]])
        torch.testing.assert_close(ablated[:, :, 1], intact[:, :, 1].mean((0, 1), keepdim=True).expand(5, TIME, 4))
        assert not torch.allclose(whole, gated)


@pytest.mark.parametrize("architecture", SECTIONS)
def test_without_its_columns_of_the_output_map_a_head_is_gone(architecture: str) -> None:
    network = drawn(architecture)
    for component in network.components:
        emptied = copy.deepcopy(network)
        place = emptied.weights_of(component)["output"]
        place.of(dict(emptied.named_parameters())[place.tensor].detach()[None]).zero_()
        # The same columns with the head's activity at 0 instead: by hand, in the input of the map.
        name = network.output_maps[component.layer]

        def silent(_: Any, given: Any, index: int = component.index) -> Any:
            mixed = given[0].unflatten(-1, (4, 4)).clone()
            mixed[:, :, index] = 0
            return (mixed.flatten(-2),)

        hook = network.get_submodule(name).register_forward_pre_hook(silent)
        expected = network(TOKENS)[0]
        hook.remove()
        torch.testing.assert_close(emptied(TOKENS)[0], expected, atol=1e-6, rtol=1e-5)


def test_prunable_are_the_matrices_of_linear_maps_and_embeddings_by_choice() -> None:
    def names(architecture: str, **keys: Any) -> set[str]:
        return {name.removeprefix("decoder.") for name in drawn(architecture, **keys).prunable}

    assert {"lm_head.weight", "gpt_neox.layers.1.mlp.dense_4h_to_h.weight"} < names("gpt_neox")
    embeddings = {"gpt_neox.embed_in.weight"}
    assert names("gpt_neox", prune_embeddings=True) == names("gpt_neox") | embeddings
    assert "transformer.h.0.attn.c_attn.weight" in names("gpt2")  # a Conv1D
    tied = names("gpt2", prune_embeddings=True) - names("gpt2")
    assert tied == {"transformer.wte.weight", "transformer.wpe.weight"}  # the output map once, by its first name
    assert "lm_head.weight" in names("gpt2", tie_word_embeddings=False)
    assert not [name for name in names("llama", prune_embeddings=True) if "norm" in name or "bias" in name]


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
def test_it_learns_and_masked_weights_stay_0(tokens: Any, architecture: str) -> None:
    case = type(tokens)("tokens", tokens.problem, models.build(section(architecture), SYMBOLS, SYMBOLS, TIME))
    recipe = TrainingSettings(optimiser="adamw", learning_rate=0.01, weight_decay=0.3, batch_size=16, steps=60)
    start = case.start(recipe)
    masks = pruning.keep_top(pruning.magnitude(case.prunable(start.weights)), 900)
    *_, end = case.train(case.members(), start, recipe, [60], masks=masks)
    for name, mask in masks.items():
        assert torch.equal(end.weights[name][mask == 0], torch.zeros(int((mask == 0).sum())))
    inputs, targets = (torch.from_numpy(side) for side in case.problem.evaluation["test"])
    logits, _ = stack.forward(case.model)(end.weights, inputs.expand(3, *inputs.shape))
    losses = [F.cross_entropy(each.flatten(0, 1), targets.flatten()).item() for each in logits]
    assert max(losses) < 1.2  # a guess has 1.95 nats, and who knows the walk 0.50


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
def test_every_instrument_looks_at_it(tokens: Any, architecture: str) -> None:
    """Role scores of all heads, a coefficient of all weights (tied ones once), and supermasks."""
    model = models.build(section(architecture), SYMBOLS, SYMBOLS, TIME)
    study = Study("tokens", replace(tokens.problem, repetition=True), model)
    members = stack.dense_members([0, 1])
    weights = initial_weights(study, [0, 1])
    slices = {"all": np.ones(tokens.problem.evaluation["validation"][1].shape, dtype=bool)}
    scores = role_scores.on_probes(study, slices, RolesSettings(random_sequences=4), [(members, 0, weights)])
    assert {"previous_token", "induction", "ablation:all"} <= set(scores["score"]) and scores["value"].notna().all()
    assert len(scores) == 2 * 2 * 8 * scores["score"].nunique()
    traces = llc.measure(study, members, weights, 0, LLCSettings(chains=2, draws=16, burn_in=0))
    assert traces.parameters.tolist() == [sum(tensor.numel() for tensor in model.parameters())] * 2
    recipe = TrainingSettings(learning_rate=0.01, batch_size=8, steps=3)
    settings = SupermaskSettings(densities=[0.5], learning_rate=0.05, steps=3)
    masks, *_ = supermask.search(study, members, weights, "signed_constant", 0.5, settings, recipe, [3])
    assert {name: mask.mean().item() for name, mask in masks.items()} == pytest.approx(
        dict.fromkeys(model.prunable, 0.5), abs=0.01
    )


REFUSED = {
    "no architecture": ({"architecture": "nope"}, "transformers has no decoder 'nope'"),
    "no key": ({"architecture": "gpt2", "n_embed": 3}, "gpt2 has no key n_embed; there are .*n_embd"),
    "no heads": ({"architecture": "mamba", "hidden_size": 8}, "no such network can be built"),
    "no stack": ({"architecture": "bloom", "hidden_size": 8, "n_layer": 1, "n_head": 2}, "a stack of it cannot run on"),
    "code from elsewhere": ({"architecture": "gpt2", "trust_remote_code": True}, "trust_remote_code cannot be chosen"),
    "short": ({"architecture": "gpt2", "n_positions": 3}, "3 positions are less than the task's context 6"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_built_or_stacked_is_refused_before_the_first_job(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keys, said = REFUSED[name]
    pruned = Pruned(
        "studies.own.model", {"kind": "huggingface"} | keys, (SYMBOLS, SYMBOLS, TIME), "symbols in sequence"
    )
    with pytest.raises(TicketlabError, match=f"^config: studies.own.model: .*{said}"):
        tensors.prunable(pruned, ROOT)


@pytest.mark.parametrize("architecture", SECTIONS)
def test_what_can_be_stacked_is_accepted(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    network, sizes = drawn(architecture), (SYMBOLS, SYMBOLS, TIME)
    found = tensors.prunable(Pruned("studies.own.model", section(architecture), sizes, "symbols in sequence"), ROOT)
    assert found == {name: dict(network.named_parameters())[name].numel() for name in network.prunable}


def test_wider_decoders_have_wider_heads() -> None:
    wide = models.wider(section("gpt_neox"), 2)
    assert (wide["hidden_size"], wide["intermediate_size"], wide["num_attention_heads"]) == (32, 48, 4)
