"""Initial weights and biases by word."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models.activations import HAS_GAIN, gain
from lit_tricks.models.checks import known_word

# What each scheme reads, with its default.
SCHEMES: dict[str, dict[str, float | str]] = {
    "default": {},
    "zeros": {},
    "normal": {"std": 0.05},
    "uniform": {"bound": 0.05},
    "scaled_normal": {"gain": 1.0},
    "glorot_normal": {"gain": 1.0},
    "glorot_uniform": {"gain": 1.0},
    "he_normal": {"gain": "auto"},
    "he_uniform": {"gain": "auto"},
    "orthogonal": {"gain": "auto"},
}
LINKS = ("softmax", "sigmoid", "identity")
BIASES = ("zero", "normal", "prior", "keep")
WeightedLayer = (
    nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
)


class Initialiser:
    """Draws the weights of every linear and convolutional layer of a network, in place; norms are left alone.

    Standard deviation σ of a weight, with torch's fan_in and fan_out and the gain g; uniform schemes draw from
    ±√3 σ:

    - ``default``: as torch drew them. ``zeros``: 0. ``normal``: σ = std. ``uniform``: from ±bound.
    - ``scaled_normal``: g / √fan_in.
    - ``glorot_normal``, ``glorot_uniform``: g √(2 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 12 and 16).
    - ``he_normal``, ``he_uniform``: g / √fan_in (He et al. 2015, eq. 10 with g = √2, eq. 15 for leaky ReLU).
    - ``orthogonal``: W Wᵀ = g² I for the flattened weight (Saxe et al. 2014).

    Deviations: Keras' normal variants cut their tails at 2σ and widen to the same variance, these do not; Keras'
    He takes √2 in every layer, which is ``gain=1.4142135623730951`` here. Its Glorot has gain 1, as here.

    Draws come from torch's global random state, in order of registration.

    Args:
        scheme: a word above.
        gain: a number > 0, or ``auto`` for ``lit_tricks.models.gain`` of the activation that follows the layer in
            order of registration, 1 where none follows before the next layer. None: ``auto`` for he and
            orthogonal, which makes he's formula carry √2 before ReLU; 1 for glorot and scaled_normal.
        std: standard deviation of ``normal``, > 0; None: 0.05.
        bound: largest weight of ``uniform``, > 0; None: 0.05.
        bias: ``zero``; ``normal``, drawn from N(0, bias_std²); ``prior``, zero but in the last linear layer, where
            the logits of the class shares are set; ``keep``, as torch drew them. None: ``keep`` for ``default``,
            else ``zero``.
        bias_std: standard deviation of normal biases, > 0; None: ``std`` under ``normal``, else 1.
        link: the objective's activation from logits to probabilities, so that those of ``bias=prior`` equal the
            class shares p: ``softmax`` sets log p, ``sigmoid`` log(p / (1 - p)), ``identity`` p.
        scale: what the objective multiplies the logits by before it, > 0; those of ``bias=prior`` are divided by it.

    Raises ``UserError`` for an unknown word, a number outside its range, or one that the scheme does not read.
    """

    def __init__(
        self,
        scheme: str = "default",
        *,
        gain: float | Literal["auto"] | None = None,
        std: float | None = None,
        bound: float | None = None,
        bias: str | None = None,
        bias_std: float | None = None,
        link: str = "softmax",
        scale: float = 1.0,
    ) -> None:
        self.scheme = known_word("init", scheme, SCHEMES)
        given = {"gain": gain, "std": std, "bound": bound}
        for name, value in given.items():
            if value is not None and name not in SCHEMES[scheme]:
                readers = ", ".join(word for word, reads in SCHEMES.items() if name in reads)
                raise UserError(f"init={scheme} reads no {name}; received {value}: it belongs to init={readers}")
        chosen = SCHEMES[scheme] | {name: value for name, value in given.items() if value is not None}
        wanted = chosen.get("gain", 1.0)
        self.gain = wanted if wanted == "auto" else _positive("gain", wanted)
        self.std = _positive("std", chosen.get("std", 1.0))
        self.bound = _positive("bound", chosen.get("bound", 1.0))
        self.bias = known_word("init.bias", bias or ("keep" if scheme == "default" else "zero"), BIASES)
        self.bias_std = self.std if bias_std is None else _positive("bias_std", bias_std)
        self.link = known_word("link", link, LINKS)
        self.scale = _positive("scale", scale)

    @torch.no_grad()
    def __call__(self, network: nn.Module, class_counts: Sequence[float] | None = None) -> None:
        """Initialise ``network``, any module with linear or convolutional layers, in place.

        ``class_counts``, the training examples per class, or what the loss makes of them, is read by ``bias=prior``
        only. Counts are held half an example away from none and from all, which keeps the logits finite.

        Raises ``UserError`` when ``bias=prior`` lacks class counts, or a last linear layer with one bias per class.
        """
        gains = following_gains(network)
        for layer, follows in gains.items():
            self._draw(layer.weight, follows if self.gain == "auto" else float(self.gain))
            if layer.bias is not None and self.bias == "normal":
                nn.init.normal_(layer.bias, 0.0, self.bias_std)
            elif layer.bias is not None and self.bias != "keep":
                nn.init.zeros_(layer.bias)
        if self.bias == "prior":
            _set_prior([layer for layer in gains if isinstance(layer, nn.Linear)], class_counts, self.link, self.scale)

    def _draw(self, weight: torch.Tensor, gain: float) -> None:
        match self.scheme:
            case "zeros":
                nn.init.zeros_(weight)
            case "normal":
                nn.init.normal_(weight, 0.0, self.std)
            case "uniform":
                nn.init.uniform_(weight, -self.bound, self.bound)
            case "glorot_normal":
                nn.init.xavier_normal_(weight, gain)
            case "glorot_uniform":
                nn.init.xavier_uniform_(weight, gain)
            case "scaled_normal" | "he_normal":
                nn.init.kaiming_normal_(weight, nonlinearity="linear").mul_(gain)
            case "he_uniform":
                nn.init.kaiming_uniform_(weight, nonlinearity="linear").mul_(gain)
            case "orthogonal":
                nn.init.orthogonal_(weight, gain)


def following_gains(network: nn.Module) -> dict[WeightedLayer, float]:
    """Return each linear and convolutional layer with the gain of the activation registered after it.

    Norms, dropout, pooling and unknown modules in between are passed over. A layer with no activation before
    the next layer, such as the output, has gain 1; so has one whose activation is a function call or a module
    of the user's own, for which the knob ``init.gain`` takes a number.
    """
    gains: dict[WeightedLayer, float] = {}
    waiting: WeightedLayer | None = None
    for module in network.modules():
        if isinstance(module, WeightedLayer):
            gains[module] = 1.0
            waiting = module
        elif waiting is not None and isinstance(module, HAS_GAIN):
            gains[waiting] = gain(module)
            waiting = None
    return gains


def _set_prior(layers: Sequence[nn.Linear], class_counts: Sequence[float] | None, link: str, scale: float) -> None:
    if not class_counts:
        raise UserError("init.bias=prior needs class counts; received none: try init.bias=zero")
    bias = layers[-1].bias if layers else None
    if bias is None:
        raise UserError(
            "init.bias=prior needs a last linear layer with a bias; received a network without: "
            "try model.bias=true or init.bias=zero"
        )
    if len(bias) != len(class_counts):
        raise UserError(
            f"init.bias=prior needs one output per class; received {len(bias)} outputs in the last linear layer for "
            f"{len(class_counts)} classes: try init.bias=zero"
        )
    total = sum(class_counts)
    shares = [min(max(count, 0.5), max(total - 0.5, 0.5)) / max(total, 1) for count in class_counts]
    if link == "softmax":
        logits = [math.log(share) for share in shares]
    elif link == "sigmoid":
        logits = [math.log(share / (1 - share)) for share in shares]
    else:
        logits = shares
    bias.copy_(torch.tensor(logits, dtype=torch.float64) / scale)


def _positive(knob: str, value: float | str) -> float:
    if isinstance(value, str | bool) or not 0 < value < math.inf:
        raise UserError(f"init.{knob} must be greater than 0; received {value}: try init.{knob}=1.0")
    return float(value)
