"""Small networks, at least one of every kind of model: sections of a config."""

from typing import Any

SECTIONS: list[dict[str, Any]] = [
    {"kind": "mlp", "hidden": [3, 4, 5]},
    {"kind": "transformer", "layers": 2, "width": 8, "heads": 2, "mlp_width": 12, "positions": "relative"},
    {"kind": "transformer", "layers": 1, "width": 4, "heads": 1, "mlp_width": 0, "positions": "absolute"},
    {"kind": "embedding_mlp", "width": 4, "hidden": 5},
]
