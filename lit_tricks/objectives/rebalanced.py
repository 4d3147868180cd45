"""Cross-entropies that train against the imbalance of the classes; evaluated, they are plain cross-entropy."""

from collections.abc import Sequence
from typing import Unpack

from torch import Tensor

from lit_tricks.errors import UserError
from lit_tricks.functional.class_balance import focal_loss, ldam_margins, log_priors, margin_logits
from lit_tricks.objectives.base import Weighting, WeightOptions
from lit_tricks.objectives.cross_entropy import CrossEntropy
from lit_tricks.objectives.weighting import checked_counts


class LogitAdjusted(CrossEntropy):
    """Cross-entropy on z + τ log π while training, π the classes' shares (Menon et al. 2021, equation 10).

    With τ = 1 it is balanced softmax (Ren et al. 2020, equation 3), whose log n_c differs by a constant. What the
    network learns are logits for equally frequent classes; ``probabilities`` and evaluation take them as they are.
    ``tau`` is at least 0, where 0 is plain cross-entropy. Raises ``UserError`` below, and without ``class_counts``.
    """

    def __init__(
        self,
        num_classes: int,
        label_smoothing: float = 0.0,
        tau: float = 1.0,
        class_counts: Sequence[int] | None = None,
        **weighting: Unpack[WeightOptions],
    ) -> None:
        super().__init__(num_classes, label_smoothing, class_counts=class_counts, **weighting)
        if not 0 <= tau < float("inf"):
            raise UserError(f"loss.tau must be a number at least 0; received {tau}: try loss.tau=1")
        counts = checked_counts(num_classes, class_counts, "logit adjustment")
        self.tau = tau
        self.register_buffer("offsets", (tau * log_priors(counts)).float(), persistent=False)
        self.offsets: Tensor
        self.rebalances += ("logit adjustment",) if tau else ()

    def log_prior_shift(self) -> Tensor | None:
        """Return -τ log π, with class weights their log as well: what the offsets explain the logits need not."""
        weights = super().log_prior_shift()
        return -self.offsets if weights is None else weights - self.offsets

    def _adjusted(self, logits: Tensor, target: Tensor) -> Tensor:
        return logits + self.offsets if self.training else logits


class Focal(CrossEntropy):
    """Cross-entropy times (1 - p_t)^γ while training, which counts easy examples less (Lin et al. 2017).

    ``gamma`` is at least 0, where 0 is plain cross-entropy; the paper's α is ``class_weights``. Raises ``UserError``
    below.
    """

    def __init__(
        self, num_classes: int, label_smoothing: float = 0.0, gamma: float = 2.0, **weighting: Unpack[Weighting]
    ) -> None:
        super().__init__(num_classes, label_smoothing, **weighting)
        if not 0 <= gamma < float("inf"):
            raise UserError(f"loss.gamma must be a number at least 0; received {gamma}: try loss.gamma=2")
        self.gamma = gamma

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return focal_loss(logits, target, self.gamma) if self.training else super()._loss(logits, target)

    def _mean_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return self._loss(logits, target).mean() if self.training else super()._mean_loss(logits, target)


class LDAM(CrossEntropy):
    """Cross-entropy on s (z - t Δ) while training, with larger margins Δ for rarer classes (Cao et al. 2019).

    The paper's last layer yields cosines, which ``scale`` s = 30 widens; here z is whatever the network yields.
    Evaluation and ``probabilities`` take s z, without margins. The margin is that of the label as given: smoothing,
    which the paper has not, lowers no other class's logit.

    Args:
        num_classes, label_smoothing, weighting: as in ``Objective``.
        max_margin: margin of the rarest class, above 0.
        scale: s, above 0.
        class_counts: training examples per class.

    Raises ``UserError`` for values out of range, and without ``class_counts``.
    """

    def __init__(
        self,
        num_classes: int,
        label_smoothing: float = 0.0,
        max_margin: float = 0.5,
        scale: float = 30.0,
        class_counts: Sequence[int] | None = None,
        **weighting: Unpack[WeightOptions],
    ) -> None:
        super().__init__(num_classes, label_smoothing, class_counts=class_counts, **weighting)
        for name, value in {"max_margin": max_margin, "scale": scale}.items():
            if not 0 < value < float("inf"):
                raise UserError(f"loss.{name} must be a number greater than 0; received {value}: try loss=ldam")
        self.scale = scale
        margins = ldam_margins(checked_counts(num_classes, class_counts, "loss=ldam"), max_margin)
        self.register_buffer("margins", margins.float(), persistent=False)
        self.margins: Tensor

    def _adjusted(self, logits: Tensor, target: Tensor) -> Tensor:
        return margin_logits(logits, target, self.margins, self.scale) if self.training else self.scale * logits

    def _probabilities(self, logits: Tensor) -> Tensor:
        return super()._probabilities(self.scale * logits)
