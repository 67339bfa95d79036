"""A decoder of the transformers library (Wolf et al. 2020), as it is: GPT-NeoX, GPT-2, Llama and others.

It is built from its config and trained from random weights, drawn by the library's own initialiser. Nothing is
downloaded, and no code is run but that of the installed library. Dropout is off. Importing transformers takes a second,
so it is imported where such a network is built.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.models.network import Component, Network, Place, gate_to_mean
from workflow_scripts.ticketlab.settings.models.huggingface import Settings

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

OWN_KEYS = ("kind", "architecture", "prune_embeddings")
# Decided by the task and by what a stack can run, not by the config.
DECIDED = ("vocab_size", "use_cache", "output_attentions", "attn_implementation", "trust_remote_code", "dtype")
# Token numbers that the library would look for in texts of its own tokenisers.
NO_TOKENS = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))
# The map from a layer's heads into the residual stream, by its name in the attention module.
OUTPUT_MAPS = ("dense", "c_proj", "o_proj", "out_proj")


class Decoder(Network):
    """Maps tokens (batch, time), int64, to logits (batch, time, outputs); the activities are the attention patterns.

    A head is ablated in the input of its layer's output map. Prunable are the weights of all linear maps (those of
    GPT-2 are stored as (inputs, outputs)), and embeddings on request.
    """

    without_numbers = False  # the library looks at positions to make its masks

    def __init__(self, config: PreTrainedConfig, prune_embeddings: bool):
        super().__init__()
        self.config = config
        self.decoder = _made(config)
        attentions = _attentions(self.decoder)
        self.heads, layers = config.num_attention_heads, config.num_hidden_layers
        if len(attentions) != layers:
            raise TicketlabError(
                f"{config.model_type} has {len(attentions)} attention layers with an output map called "
                f"{' or '.join(OUTPUT_MAPS)}, and {layers} layers; heads could not be told apart"
            )
        self.output_maps = list(attentions.values())
        self.components = [Component(layer, "head", index) for layer in range(layers) for index in range(self.heads)]
        embeddings = {module.weight for module in self.decoder.modules() if isinstance(module, nn.Embedding)}
        maps = {module.weight for module in self.decoder.modules() if _is_map(module)} - embeddings
        chosen = maps | embeddings if prune_embeddings else maps
        self.prunable = [name for name, tensor in self.named_parameters() if tensor in chosen]

    def initialise(self, generator: torch.Generator) -> None:
        """As the library does: another network of this config, whose weights these become."""
        seed = int(torch.randint(2**62, (1,), generator=generator))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            drawn = dict(_made(self.config).named_parameters())
            for name, tensor in self.decoder.named_parameters():
                tensor.copy_(drawn[name])

    def weights_of(self, component: Component) -> dict[str, Place]:
        """A head's part of the output map, and its rows of GPT-NeoX' joint map or of maps of its own.

        Rows that several heads share (grouped keys and values), and columns of GPT-2's joint map, belong to none.
        """
        output = self.output_maps[component.layer]
        attention = output.rpartition(".")[0]
        width = self._inputs(output) // self.heads
        start, stop = component.index * width, (component.index + 1) * width
        axis = 0 if _stored_by_input(self.get_submodule(output)) else 1
        places = {"output": Place(f"{output}.weight", axis, start, stop)}
        rows = {"query": "q_proj", "key": "k_proj", "value": "v_proj"}
        if self.config.model_type == "gpt_neox":
            rows, start, stop = {"query_key_value": "query_key_value"}, 3 * start, 3 * stop
        for purpose, name in rows.items():
            module = getattr(self.get_submodule(attention), name, None)
            if isinstance(module, nn.Linear) and module.out_features == self.heads * (stop - start):
                places[purpose] = Place(f"{attention}.{name}.weight", 0, start, stop)
        return places

    def _inputs(self, output: str) -> int:
        module: Any = self.get_submodule(output)
        return module.weight.shape[0 if _stored_by_input(module) else 1]

    def forward(self, tokens: Tensor, gates: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        hooks = []
        if gates is not None:
            for name, own in zip(self.output_maps, gates.split(self.heads), strict=True):
                hooks.append(self.get_submodule(name).register_forward_pre_hook(partial(_gated, own)))
        try:
            found = self.decoder(**self._inputs_of(tokens), use_cache=False, output_attentions=True)
        finally:
            for hook in hooks:
                hook.remove()
        return found.logits, list(found.attentions)

    def _inputs_of(self, tokens: Tensor) -> dict[str, Tensor]:
        """Tokens, or mixtures of them (batch, time, symbols) as shares, such as the mean of all inputs."""
        if not tokens.is_floating_point():
            return {"input_ids": tokens}
        embedding: Any = self.decoder.get_input_embeddings()  # type: ignore[operator]
        return {"inputs_embeds": tokens @ embedding.weight}


def _gated(gates: Tensor, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The input of an output map, (batch, time, heads · width), with each head between its activity and its mean."""
    del module
    mixed, *rest = inputs
    by_head = mixed.unflatten(-1, (len(gates), -1))
    return gate_to_mean(by_head, gates[:, None], over=(0, 1)).flatten(-2), *rest


def _made(config: PreTrainedConfig) -> nn.Module:
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):  # the library draws weights as it builds
        made = AutoModelForCausalLM.from_config(config, attn_implementation="eager", trust_remote_code=False)
    return made.float().eval()


def _attentions(decoder: nn.Module) -> dict[int, str]:
    """The name, below the network, of each layer's output map of heads."""
    return {
        module.layer_idx: f"decoder.{name}.{output}"
        for name, module in decoder.named_modules()
        if isinstance(getattr(module, "layer_idx", None), int) and "Attention" in type(module).__name__
        for output in OUTPUT_MAPS
        if _is_map(getattr(module, output, None))
    }


def _stored_by_input(module: Any) -> bool:
    return type(module).__name__ == "Conv1D"


def _is_map(module: Any) -> bool:
    return isinstance(module, nn.Linear) or _stored_by_input(module)


def build(settings: dict, inputs: int, outputs: int, context: int) -> Decoder:
    """Raises TicketlabError if transformers has no such architecture, or its config no such key."""
    from transformers import AutoConfig

    section = Settings(**settings)
    keys = {key: value for key, value in settings.items() if key not in OWN_KEYS}
    if inputs != outputs:
        raise TicketlabError(
            f"a decoder predicts the symbols that it reads; the task has {inputs} and {outputs} outputs"
        )
    if decided := [key for key in keys if key in DECIDED]:
        raise TicketlabError(f"{', '.join(decided)} cannot be chosen; leave it out")
    try:
        empty = AutoConfig.for_model(section.architecture)
    except ValueError as error:
        raise TicketlabError(f"transformers has no decoder {section.architecture!r}: {str(error)[:100]}") from error
    known = {*empty.to_dict(), *empty.attribute_map}
    if unknown := [key for key in keys if key not in known]:
        raise TicketlabError(
            f"{section.architecture} has no key {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        )
    config = AutoConfig.for_model(section.architecture, **({"vocab_size": inputs} | NO_TOKENS | keys))
    if not {"max_position_embeddings", "n_positions"} & keys.keys():
        config.max_position_embeddings = context
    elif config.max_position_embeddings < context:
        given = config.max_position_embeddings
        raise TicketlabError(f"{given} positions are less than the task's context {context}; leave the key out")
    return Decoder(config, section.prune_embeddings)
