"""L1 and L2 on a network's weights."""

from typing import Literal

from torch import Tensor, nn

from lit_tricks.errors import UserError
from lit_tricks.functional.penalties import l1_norm, squared_l2_norm, weights_of

Convention = Literal["sum", "half_sum"]
FACTORS: dict[str, float] = {"sum": 1.0, "half_sum": 0.5}


class WeightPenalty:
    """Returns l1 Σ|w| + c l2 Σw² over a network's trainable weights, a scalar that training adds to the loss.

    Weights alone count, neither biases nor norms' scales and shifts (``lit_tricks.functional.penalties.weights_of``),
    and frozen weights do not, as in Keras' ``kernel_regularizer``, which it equals under ``convention="sum"`` set
    on every layer. The penalty is coupled: an adaptive optimizer rescales its gradient with that of the loss, so
    weights with large gradients are shrunk less (Loshchilov & Hutter 2019); ``optimizer=adamw`` decouples.

    Args:
        l1: factor of Σ|w|, at least 0; 0 leaves it out.
        l2: factor of Σw², at least 0; 0 leaves it out.
        convention: what c is: 1 for ``sum`` (Keras' ``l2``), ½ for ``half_sum`` (textbooks; TensorFlow's
            ``l2_loss``), under which the gradient is l2 w, that of a coupled ``weight_decay`` of l2.

    Raises ``UserError`` for a factor below 0 or another convention, and when called for a network without weights.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, convention: Convention = "sum") -> None:
        for name, value in {"l1": l1, "l2": l2}.items():
            if not 0 <= value < float("inf"):
                raise UserError(
                    f"penalty.{name} must be a number at least 0; received {value}: try penalty.{name}=0.0001"
                )
        if convention not in FACTORS:
            raise UserError(
                f"penalty.convention must be sum or half_sum; received {convention}: try penalty.convention=sum"
            )
        self.l1 = l1
        self.l2 = l2
        self.convention = convention
        self._seen: tuple[nn.Module | None, list[nn.Parameter]] = (None, [])

    @property
    def is_zero(self) -> bool:
        """Whether nothing would be added to any loss."""
        return not (self.l1 or self.l2)

    def __call__(self, network: nn.Module) -> Tensor:
        """Return the penalty of ``network``."""
        weights = [weight for weight in self._weights(network) if weight.requires_grad]
        if not weights:
            raise UserError("a penalty needs weights that train; this network has none: try penalty=none")
        squares = None if self.l2 == 0 else FACTORS[self.convention] * self.l2 * squared_l2_norm(weights)
        if self.l1 == 0 and squares is not None:
            return squares
        magnitudes = self.l1 * l1_norm(weights)
        return magnitudes if squares is None else magnitudes + squares

    def _weights(self, network: nn.Module) -> list[nn.Parameter]:
        # looking for them costs more than half a small network's step
        if self._seen[0] is not network:
            self._seen = (network, weights_of(network))
        return self._seen[1]
