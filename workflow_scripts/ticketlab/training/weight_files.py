"""The tensors in a checkpoint's files, one at a time: safetensors, or torch's own format without its code.

A safetensors file is the length of a header (8 bytes, little-endian), the header (JSON: dtype, shape and place of each
tensor) and the numbers. They are mapped, not loaded, so the memory is that of the one tensor which is asked for. A file
of torch (pytorch_model.bin) is read with `weights_only`, which builds tensors and runs nothing, and mapped too where
torch can.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.ticketlab.core.errors import TicketlabError, shown

# Names of whole checkpoints, the first that is there; a checkpoint in several files has an index next to them.
WHOLE = ("model.safetensors", "pytorch_model.bin")
INDEX = ".index.json"
SAFE = ".safetensors"
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
HALF = (torch.float16, torch.bfloat16)
LONGEST_HEADER = 100_000_000  # the format's own limit


@dataclass(frozen=True)
class Entry:
    """A tensor in a safetensors file: its place in bytes from the end of the header."""

    path: Path
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass
class Checkpoint:
    """The tensors of one checkpoint by name: `tensor` reads one of them; `dtypes` are as they are stored."""

    entries: dict[str, Entry] = field(default_factory=dict)
    loaded: dict[str, Tensor] = field(default_factory=dict)

    def names(self) -> list[str]:
        return [*self.entries, *self.loaded]

    def dtype(self, name: str) -> torch.dtype:
        return self.entries[name].dtype if name in self.entries else self.loaded[name].dtype

    def shape(self, name: str) -> tuple[int, ...]:
        return self.entries[name].shape if name in self.entries else tuple(self.loaded[name].shape)

    def tensor(self, name: str) -> Tensor:
        """A copy in float32."""
        if name in self.loaded:
            return self.loaded[name].float()
        entry = self.entries[name]
        if entry.start == entry.stop:
            return torch.zeros(entry.shape)
        numbers = np.memmap(entry.path, np.uint8, "r", offset=entry.start, shape=(entry.stop - entry.start,))
        return torch.from_numpy(np.array(numbers)).view(entry.dtype).reshape(entry.shape).float()


def open_files(paths: Iterable[Path]) -> Checkpoint:
    """The checkpoint in these files. Raises TicketlabError if one is damaged."""
    found = Checkpoint()
    for path in paths:
        if path.suffix == SAFE:
            found.entries |= header(path)
        else:
            found.loaded |= _torch_file(path)
    return found


def header(path: Path) -> dict[str, Entry]:
    """The tensors that a safetensors file says it holds. Raises TicketlabError if it is not whole."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(LONGEST_HEADER, size - 8):
                raise ValueError(f"its header would be {length} bytes of {size}")
            said: dict[str, Any] = json.loads(file.read(length))
        first = 8 + length
        entries = {
            name: Entry(
                path,
                DTYPES[about["dtype"]],
                tuple(about["shape"]),
                first + about["data_offsets"][0],
                first + about["data_offsets"][1],
            )
            for name, about in said.items()
            if name != "__metadata__"
        }
        for name, entry in entries.items():
            if entry.stop - entry.start != int(np.prod(entry.shape, dtype=np.int64)) * entry.dtype.itemsize:
                raise ValueError(f"{name} has another size than its shape says")
        last = max((entry.stop for entry in entries.values()), default=first)
        if last != size:
            raise ValueError(f"it has {size} bytes, and its header says {last}")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise TicketlabError(
            f"{shown(path)} is no whole safetensors file ({error}); delete it and fetch it again"
        ) from error
    return entries


def _torch_file(path: Path) -> dict[str, Tensor]:
    try:
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # files of before torch 1.6 cannot be mapped
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of the format or of what it may not hold
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise TicketlabError(
            f"{shown(path)} is no whole file of tensors ({reason}); delete it and fetch it again, or convert it to "
            "safetensors"
        ) from error
    return {name: tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}
