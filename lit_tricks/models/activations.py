"""Activation functions by word, and the gain that keeps a signal's size through each."""

import torch
from torch import nn

from lit_tricks.models.checks import known_word

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "identity": nn.Identity,
}
# torch states no gain for these; being element-wise, they have one that a one-dimensional integral gives
INTEGRATED = (nn.ELU, nn.Softplus, nn.GELU, nn.SiLU, nn.CELU, nn.Mish, nn.Hardswish, nn.ReLU6, nn.Softsign)
HAS_GAIN = (nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.SELU, *INTEGRATED)


def make_activation(word: str) -> nn.Module:
    """Return a new activation module with torch's default parameters.

    ``word`` is a key of ``ACTIVATIONS``. ``gelu`` is the exact form with the error function, ``leaky_relu``
    has slope 0.01, ``elu`` has α = 1. Raises ``UserError`` with the nearest match for any other word.
    """
    return ACTIVATIONS[known_word("model.activation", word, ACTIVATIONS)]()


def gain(activation: nn.Module | str) -> float:
    """Return the factor on 1/√fan_in that keeps a layer's drives at second moment 1 behind this activation.

    What ``torch.nn.init.calculate_gain`` states is used: sigmoid 1, tanh 5/3, relu √2, leaky_relu
    √(2 / (1 + slope²)), selu 3/4, identity 1 (1 and 5/3 are conventions rather than integrals). For elu,
    softplus, gelu, silu and torch's other smooth ones it is E[f(z)²]^(-1/2) with z ~ N(0, 1), the argument of
    He et al. 2015, section 2.2, carried to any f: at default parameters elu 1.2452, softplus 1.0419,
    gelu 1.5335, silu 1.6765. Every other module counts as no activation: 1.
    """
    module = make_activation(activation) if isinstance(activation, str) else activation
    if isinstance(module, nn.LeakyReLU):
        return nn.init.calculate_gain("leaky_relu", module.negative_slope)
    if isinstance(module, nn.Sigmoid | nn.Tanh | nn.ReLU | nn.SELU):
        return nn.init.calculate_gain(type(module).__name__.lower())  # type: ignore[arg-type]
    return _integrated_gain(module) if isinstance(module, INTEGRATED) else 1.0


@torch.no_grad()
def _integrated_gain(activation: nn.Module) -> float:
    # The trapezoid rule on a rapidly decaying density converges far below float32's resolution here.
    z = torch.linspace(-12, 12, 9601, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2)
    second_moment = (density * activation(z) ** 2).sum() / density.sum()
    return float(second_moment**-0.5)
