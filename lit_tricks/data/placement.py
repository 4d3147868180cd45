"""Where a split lies while it is used: with the device that computes, or in the machine's memory."""

import math
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor

from lit_tricks.data.source import Examples

SHARE = 0.25
"""Largest part of a device's free memory that one split may take; the rest is for the network and its batches."""

_PIECE_VALUES = 2**22


def place(examples: Examples, device: torch.device) -> tuple[Examples, str]:
    """Return the examples where batches for ``device`` are best gathered, and that place in a word or two.

    On a device with memory of its own they lie there as a whole, labels and all, if they take at most ``SHARE`` of
    what is free; else they are ``Streamed``. Anywhere else they stay as they are. Batches are the same everywhere.
    """
    free = free_bytes(device)
    if free is None:
        return examples, "in memory"
    if _bytes(examples) <= SHARE * free:
        return _moved(examples, device), f"on {device}"
    own = {entry.name: getattr(examples, entry.name) for entry in fields(examples)}
    return Streamed(**own, device=device), f"streamed to {device}"


def free_bytes(device: torch.device) -> int | None:
    """Return the free bytes of a device with memory of its own, None where it has none or does not say."""
    query = getattr(getattr(torch, device.type, None), "mem_get_info", None)
    return None if query is None else int(query(device)[0])


@dataclass(frozen=True, eq=False)
class Streamed(Examples):
    """Examples in the machine's memory whose batches are sent to ``device`` while that computes on others."""

    device: torch.device = field(kw_only=True)

    def gather(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs and labels at ``index`` on the device, perhaps still on their way."""
        # only memory that the system may not move can be copied from while the program goes on
        x, y = (part.pin_memory().to(self.device, non_blocking=True) for part in super().gather(index))
        return x, y


def _bytes(examples: Examples) -> int:
    return math.prod(examples.shape) * examples.dtype.itemsize + len(examples) * examples.labels.itemsize


def _moved(examples: Examples, device: torch.device) -> Examples:
    """Return a copy on ``device``, filled piece by piece so that the whole never passes through memory at once."""
    inputs, start = torch.empty(examples.shape, dtype=examples.dtype, device=device), 0
    for piece in examples.pieces(_PIECE_VALUES):
        inputs[start : start + len(piece)] = piece
        start += len(piece)
    return Examples(inputs, examples.y.to(device))
