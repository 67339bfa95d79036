"""Which weights belong to a component of a network, by kind of model."""

# Where a component's weights are, by kind of model: for a layer, the tensors and the axis along which it has a slice.
PLACES = {
    "transformer": lambda layer: {
        **{f"blocks.{layer}.attention.{name}.weight": 0 for name in ("query", "key", "value")},
        f"blocks.{layer}.attention.output.weight": 1,
    },
    "mlp": lambda layer: {f"layers.{layer}.weight": 0, f"layers.{layer + 1}.weight": 1},
    "embedding_mlp": lambda layer: {"hidden.weight": 0, "output.weight": 1},
}
