"""What is asked of the validation split after training."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast, get_args

import numpy as np
from torch import Tensor

from lit_tricks.corrections.fitted import FittedCorrection
from lit_tricks.corrections.prior import Link, example_weights, prior_offsets
from lit_tricks.corrections.temperature import fit_temperature, negative_log_likelihood
from lit_tricks.corrections.threshold import Rule, choose_threshold
from lit_tricks.errors import UserError

Prior = Literal["none", "uniform", "natural"] | Sequence[float]


class Correction:
    """Up to three parts that are fitted in this order, each on what the one before it left.

    Where a prior is corrected, temperature and threshold are fitted to validation examples weighted to the prior that
    it is corrected to.

    Args:
        prior: class shares for which the outputs shall be right. ``uniform``: all classes equally frequent, post-hoc
            logit adjustment. ``natural``: those of the validation split. K numbers above 0 of sum 1: these.
            ``none``: those that the network has learned.
        tau: strength of the correction of the prior, at least 0; 1 is all of it.
        temperature: whether the outputs are scaled to the least negative log-likelihood.
        threshold: from which probability on the positive one of two classes is answered. ``cost``:
            1 / (1 + ``cost_ratio``); ``fitted_cost``: that of the least cost; ``recall``: that of the best precision
            among those that find ``min_recall`` of its examples; ``f1``: that of the largest F1. ``none``: ½.
        cost_ratio: what a missed positive costs, in false alarms; above 0.
        min_recall: in (0, 1].
        positive: 0 or 1; None is the class with fewer training examples, of equals 1.

    Raises ``UserError`` for values out of range.
    """

    def __init__(
        self,
        prior: Prior = "none",
        tau: float = 1.0,
        temperature: bool = False,
        threshold: Rule = "none",
        cost_ratio: float = 10.0,
        min_recall: float = 0.9,
        positive: int | None = None,
    ) -> None:
        self.prior = _checked_prior(prior)
        for name, value, low in (("tau", tau, True), ("cost_ratio", cost_ratio, False)):
            if not (0 <= value < math.inf if low else 0 < value < math.inf):
                raise UserError(
                    f"correction.{name} must be a number {'at least' if low else 'greater than'} 0; "
                    f"received {value}: try correction.{name}=1"
                )
        if threshold not in get_args(Rule):
            raise UserError(
                f"correction.threshold must be one of {', '.join(get_args(Rule))}; received {threshold!r}: "
                "try correction.threshold=recall"
            )
        if not 0 < min_recall <= 1:
            raise UserError(
                f"correction.min_recall must lie in (0, 1]; received {min_recall}: try correction.min_recall=0.9"
            )
        if positive not in (None, 0, 1):
            raise UserError(f"correction.positive must be 0, 1 or null; received {positive}: try correction.positive=1")
        self.tau, self.temperature, self.threshold = tau, temperature, threshold
        self.cost_ratio, self.min_recall, self.positive = cost_ratio, min_recall, positive

    def __bool__(self) -> bool:
        return self.prior != "none" or self.temperature or self.threshold != "none"

    def target_prior(self, validation_counts: np.ndarray) -> np.ndarray | None:
        """Return the class shares that the outputs shall be right for, (K,); None for those that were learned.

        ``validation_counts`` (K,) are the validation examples of each class.
        """
        if self.prior == "none":
            return None
        if self.prior == "natural":
            return validation_counts / validation_counts.sum()
        if self.prior == "uniform":
            return np.full(len(validation_counts), 1 / len(validation_counts))
        return np.asarray(self.prior, dtype=np.float64)

    def positive_class(self, training_counts: Sequence[int]) -> int:
        """Return the class that the threshold is about, for the training examples of both."""
        return int(training_counts[1] <= training_counts[0]) if self.positive is None else self.positive

    def fit(
        self, objective: Any, logits: Tensor, targets: Tensor, learned: np.ndarray, positive: int
    ) -> FittedCorrection:
        """Return the correction that the validation split asks for.

        Args:
            objective: whose ``probabilities`` and ``link``, a softmax or sigmoid of ``scale`` · logits, are corrected.
            logits: (N, K) of the validation split as the network gives them.
            targets: (N,) ``int64``.
            learned: (K,) class shares that the network has learned, see ``learned_prior``.
            positive: the class that the threshold is about.
        """
        labels = targets.cpu().numpy()
        counts = np.bincount(labels, minlength=logits.shape[1])
        weights = np.ones(len(labels))
        evidence: dict[str, Any] = {"examples": len(labels), "class_counts": counts.tolist()}
        found = FittedCorrection(evidence=evidence)
        link, scale = cast(Link, objective.link), float(objective.scale)
        target = self.target_prior(counts)
        if target is not None:
            # the drives are scale · logits, so what is added to the logits is that much smaller
            offsets = prior_offsets(learned, target, link, self.tau) / scale
            found = replace(found, offsets=tuple(offsets.tolist()))
            weights = example_weights(labels, target)
            evidence["prior"] = {"learned": learned.tolist(), "target": target.tolist(), "tau": self.tau}
        if self.temperature:
            drives = scale * found.logits(logits.double()).cpu().numpy()
            fitted = fit_temperature(drives, labels, link, weights)
            found = replace(found, temperature=1.0 if fitted is None else fitted)
            before, after = (
                negative_log_likelihood(drives, labels, link, weights, each) for each in (1.0, found.temperature)
            )
            evidence["temperature"] = {"found": fitted is not None, "nll_before": before, "nll_after": after}
        if self.threshold == "none":
            return found
        scores = objective.probabilities(found.logits(logits))[:, positive].double().cpu().numpy()
        chosen = choose_threshold(scores, labels == positive, weights, self.threshold, self.cost_ratio, self.min_recall)
        evidence["threshold"] = {"rule": self.threshold, **chosen.facts()}
        return replace(found, threshold=chosen.value, positive=positive)


def _checked_prior(prior: Prior) -> str | tuple[float, ...]:
    if isinstance(prior, str):
        if prior not in ("none", "uniform", "natural"):
            raise UserError(
                f"correction.prior must be none, uniform, natural or one share per class; received {prior!r}: "
                "try correction.prior=uniform"
            )
        return prior
    shares = tuple(map(float, prior))
    if len(shares) < 2 or not all(0 < share < 1 for share in shares) or abs(sum(shares) - 1) > 1e-3:
        raise UserError(
            f"correction.prior must have a share greater than 0 for each class, of sum 1; received {list(shares)}: "
            "try correction.prior=natural"
        )
    return tuple(share / sum(shares) for share in shares)
