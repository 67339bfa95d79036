"""Counter-based random streams: every draw is a function of its name, never of what was drawn before it.

A stream is named by (study, purpose, seed, step, …). The name is hashed into the key of a Philox counter generator
(Salmon et al. 2011), so a run can start, rewind or split at any step, and adding seeds changes no other seed's numbers.
Collisions as with `seed + epoch`, where seed 0's epoch 1 is seed 1's epoch 0, cannot happen.
"""

import hashlib
import json

import numpy as np

# Data order j of initialisation i is data seed i + ORDER_STRIDE·j: order 0 belongs to the dense run itself.
ORDER_STRIDE = 1_000
# Variants of networks that tell apart why another data order gives another network.
CHAOS, REORDERED = "chaos", "reordered"  # θ₀ a millionth off, on the same batches; the same batches in another order


def digest(*name: str | int | float) -> bytes:
    """32 bytes that identify a stream's name; 1 and "1" are different names."""
    return hashlib.blake2b(json.dumps(name, separators=(",", ":")).encode(), digest_size=32).digest()


def generator(*name: str | int | float) -> np.random.Generator:
    """The NumPy generator of the stream called `name`, always at its beginning."""
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest(*name)[:16], "little")))


def torch_seed(*name: str | int | float) -> int:
    """A 63-bit seed for a torch.Generator of the stream called `name`."""
    return int.from_bytes(digest(*name)[:8], "little") >> 1


def data_seed(init_seed: int, order: int) -> int:
    """The data seed of data order `order` for `init_seed`.

    Raises ValueError if the two could collide with another pair's.
    """
    if not 0 <= init_seed < ORDER_STRIDE or order < 0:
        raise ValueError(f"init_seed must lie in 0…{ORDER_STRIDE - 1} and order must not be negative")
    return init_seed + ORDER_STRIDE * order
