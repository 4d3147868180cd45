"""The fully connected network."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models.blocks import BlockStyle, dense_blocks
from lit_tricks.models.checks import network_shape, shares, sizes


class MLP(nn.Module):
    """Hidden layers of linear → norm → activation → dropout, then a linear output layer.

    Input (B, *input_shape) float, flattened; output logits (B, num_classes). Parts are addressed as
    ``layers.0.linear``, ``layers.0.norm``, ``layers.0.activation``, ``layers.0.dropout`` and ``output``.

    Args:
        input_shape: shape of one example.
        num_classes: number of logits.
        hidden: units of each hidden layer; [] leaves the linear model.
        activation: a word of ``lit_tricks.models.ACTIVATIONS``.
        norm: ``none``, ``batch`` or ``layer``, before the activation (Ioffe and Szegedy 2015, section 3.2). A
            linear layer right before batch norm has no bias, which the batch mean would cancel.
        norm_momentum: weight of the newest batch in batch norm's running averages, (0, 1]. Keras' momentum .99
            is 0.01 here: after one short epoch of 40 batches its averages would still be 67% the initial values
            and validation would mislead, so the default is torch's 0.1 (1%).
        dropout: share of units silenced while training, [0, 1), for all hidden layers or one per hidden layer.
        bias: whether linear layers have one.
        single_output: whether one output neuron z answers for two classes. The logits are then (-z, z), under which
            ``loss=bce`` and ``loss=mse`` with sigmoids are exactly those of the one neuron σ(z) against the target
            0 or 1: both outputs contribute the same term, and the mean of the two is one of them.

    Raises ``UserError`` for a word or number outside these ranges, and for ``single_output`` with other than 2 classes.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        hidden: Sequence[int] = (128,),
        activation: str = "relu",
        norm: str = "none",
        norm_momentum: float = 0.1,
        dropout: float | Sequence[float] = 0.0,
        bias: bool = True,
        single_output: bool = False,
    ) -> None:
        super().__init__()
        if single_output and num_classes != 2:
            raise UserError(
                f"model.single_output needs two classes; received {num_classes}: try model.single_output=false"
            )
        self.single_output = single_output
        units = [math.prod(network_shape(input_shape, num_classes)), *sizes("model.hidden", hidden, "[128]")]
        dropouts = shares("model.dropout", dropout, len(units) - 1, "hidden layer")
        self.flatten = nn.Flatten()
        self.layers = dense_blocks(units, BlockStyle(activation, norm, norm_momentum, bias), dropouts)
        self.output = nn.Linear(units[-1], 1 if single_output else num_classes, bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (B, num_classes) for x (B, *input_shape)."""
        z = self.output(self.layers(self.flatten(x)))
        return torch.cat([-z, z], dim=1) if self.single_output else z
