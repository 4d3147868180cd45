"""Norms of a network's weights and which parameters count as weights."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

# the norms whose scale may have several dimensions
NORMS = (nn.LayerNorm, nn.RMSNorm)


def weights_of(network: nn.Module) -> list[nn.Parameter]:
    """Return the weights of ``network`` in order of registration, each once: no biases, no parameters of norms.

    A weight is a parameter of two dimensions or more that is no norm's scale or shift.
    """
    found: dict[nn.Parameter, None] = {}
    for module in network.modules():
        if not isinstance(module, NORMS):
            found |= {parameter: None for parameter in module.parameters(recurse=False) if parameter.ndim > 1}
    return list(found)


def l1_norm(weights: Iterable[Tensor]) -> Tensor:
    """Return Σ|w| over all ``weights``, a scalar; its gradient is sign(w), 0 where w is 0."""
    return _total([weight.abs().sum() for weight in weights])


def squared_l2_norm(weights: Iterable[Tensor]) -> Tensor:
    """Return Σw² over all ``weights``, a scalar; its gradient is 2w."""
    flat = [weight.flatten() for weight in weights]
    # one kernel where square().sum() takes two
    return _total([torch.dot(weight, weight) for weight in flat])


def _total(parts: list[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
