"""The two blocks that the networks are made of."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models.activations import ACTIVATIONS, make_activation
from lit_tricks.models.checks import known_word

NORMS = ("none", "batch", "layer")


class _LoneExampleNorm(nn.modules.batchnorm._BatchNorm):
    """Normalises a lone training value per channel by the running averages, where torch raises.

    The last batch of an epoch may hold one example, which has no spread of its own.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and x.numel() == x.shape[1]:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        return super().forward(x)


class BatchNorm1d(_LoneExampleNorm, nn.BatchNorm1d):
    """``torch.nn.BatchNorm1d`` that also trains on a batch of one, by its running averages."""


class BatchNorm2d(_LoneExampleNorm, nn.BatchNorm2d):
    """``torch.nn.BatchNorm2d`` that also trains on a lone 1x1 map, by its running averages."""


@dataclass(frozen=True)
class BlockStyle:
    """What all blocks of a network share; raises ``UserError`` for an unknown word or momentum outside (0, 1]."""

    activation: str
    norm: str
    norm_momentum: float
    bias: bool

    def __post_init__(self) -> None:
        known_word("model.activation", self.activation, ACTIVATIONS)
        known_word("model.norm", self.norm, NORMS)
        if not 0 < self.norm_momentum <= 1:
            raise UserError(
                f"model.norm_momentum, the newest batch's weight, must be in (0, 1]; received {self.norm_momentum}: "
                "try model.norm_momentum=0.1"
            )

    @property
    def inner_bias(self) -> bool:
        """Whether a layer inside a block has a bias: never before batch norm, whose mean would cancel it."""
        return self.bias and self.norm != "batch"


def dense_block(inputs: int, outputs: int, style: BlockStyle, dropout: float) -> nn.Sequential:
    """Return linear → norm → activation → dropout, (B, inputs) → (B, outputs), each part under that name.

    ``norm=none`` and ``dropout=0`` add no module.
    """
    parts: dict[str, nn.Module] = {"linear": nn.Linear(inputs, outputs, style.inner_bias)}
    if style.norm == "batch":
        parts["norm"] = BatchNorm1d(outputs, momentum=style.norm_momentum)
    elif style.norm == "layer":
        parts["norm"] = nn.LayerNorm(outputs)
    parts["activation"] = make_activation(style.activation)
    if dropout:
        parts["dropout"] = nn.Dropout(dropout)
    return nn.Sequential(OrderedDict(parts))


def dense_blocks(widths: Sequence[int], style: BlockStyle, dropouts: Sequence[float]) -> nn.Sequential:
    """Return ``len(widths) - 1`` dense blocks, from each width to the next, with one dropout share each."""
    pairs = zip(widths[:-1], widths[1:], dropouts, strict=True)
    return nn.Sequential(*(dense_block(inputs, outputs, style, share) for inputs, outputs, share in pairs))


def conv_block(
    inputs: int, outputs: int, kernel_size: int, window: tuple[int, int], style: BlockStyle, dropout: float
) -> nn.Sequential:
    """Return conv → norm → activation → pool → dropout, (B, inputs, H, W) → (B, outputs, H // h, W // w).

    The convolution pads by kernel_size // 2, which keeps the map's size under an odd kernel. ``window`` is the
    (h, w) of the max-pooling; (1, 1) adds none. ``norm=layer`` normalises each example over channels and
    positions together, with one scale and shift per channel (``GroupNorm`` with one group).
    """
    parts: dict[str, nn.Module] = {
        "conv": nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2, bias=style.inner_bias)
    }
    if style.norm == "batch":
        parts["norm"] = BatchNorm2d(outputs, momentum=style.norm_momentum)
    elif style.norm == "layer":
        parts["norm"] = nn.GroupNorm(1, outputs)
    parts["activation"] = make_activation(style.activation)
    if window != (1, 1):
        parts["pool"] = nn.MaxPool2d(window)
    if dropout:
        parts["dropout"] = nn.Dropout(dropout)
    return nn.Sequential(OrderedDict(parts))
