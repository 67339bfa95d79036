"""Small networks, at least one of every kind of model: sections of a config."""

from typing import Any

SECTIONS: list[dict[str, Any]] = [
    {"kind": "mlp", "hidden": [3, 4, 5]},
    {"kind": "transformer", "layers": 2, "width": 8, "heads": 2, "mlp_width": 12, "positions": "relative"},
    {"kind": "transformer", "layers": 1, "width": 4, "heads": 1, "mlp_width": 0, "positions": "absolute"},
    {"kind": "embedding_mlp", "width": 4, "hidden": 5},
    {
        "kind": "huggingface",
        "architecture": "gpt_neox",
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 12,
        "initializer_range": 0.3,
    },
]
