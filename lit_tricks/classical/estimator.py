"""A fitted scikit-learn classifier in the place of a network and its objective."""

from typing import Any

import numpy as np
import torch
from sklearn.svm import SVC, NuSVC
from threadpoolctl import threadpool_limits
from torch import Tensor, nn


class FittedEstimator(nn.Module):
    """Maps normalised inputs (B, *input_shape) to scores (B, K) in [0, 1], both ``float32``; nothing in it trains.

    Scores are probabilities where the classifier gives them (``probabilistic``). A decision value s becomes
    (1 + s / (1 + |s|)) / 2 instead, which keeps its order in every row and column, so that AUROC is that of the
    decision values; it is no probability. A classifier with neither scores its answer 1 and the rest 0. Classes
    that it never saw score 0. The largest score of a row, the first of equals, belongs to the class that its
    ``predict`` answers: where that is not so by itself (a threshold other than ½, a tie among an SVM's
    one-against-one votes), the answer's score is raised to just above the largest.

    As many threads are used as torch is set to use.

    Args:
        estimator: fitted on (N, D) inputs and labels that are class indices.
        num_classes: K, at least the largest of these labels + 1.
    """

    def __init__(self, estimator: Any, num_classes: int) -> None:
        super().__init__()
        self.estimator = estimator
        self.num_classes = num_classes
        self.probabilistic = hasattr(estimator, "predict_proba")

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores."""
        inputs = x.detach().flatten(1).cpu().numpy()
        with threadpool_limits(torch.get_num_threads()):
            known, answers = self._known_scores(inputs)
        scores = np.zeros((len(inputs), self.num_classes), dtype=np.float32)
        scores[:, self.estimator.classes_] = known
        rows = np.flatnonzero(scores.argmax(1) != answers)
        scores[rows, answers[rows]] = np.nextafter(scores[rows].max(1), np.float32(np.inf))
        return torch.from_numpy(scores)

    def _known_scores(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of the classes it was fitted on, and its answers."""
        classes = self.estimator.classes_
        if self.probabilistic:
            return self.estimator.predict_proba(inputs), self.estimator.predict(inputs)
        if not hasattr(self.estimator, "decision_function"):
            answers = self.estimator.predict(inputs)
            return classes == answers[:, None], answers
        decisions = self.estimator.decision_function(inputs)
        voted = _voted(self.estimator, decisions)
        answers = self.estimator.predict(inputs) if voted is None else classes[voted]
        if decisions.ndim == 1:
            decisions = np.stack([-decisions, decisions], axis=1)
        if decisions.shape[1] != len(classes):
            return classes == answers[:, None], answers
        return (1 + decisions / (1 + np.abs(decisions))) / 2, answers


class EstimatorScores(nn.Module):
    """The objective's part in evaluating a ``FittedEstimator``, whose scores (B, K) need no activation.

    Attributes:
        probabilistic: whether the scores are probabilities.
    """

    def __init__(self, probabilistic: bool) -> None:
        super().__init__()
        self.probabilistic = probabilistic

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return ``scores`` as they are."""
        return scores

    def per_example(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return −log of the true class's probability, (B,) ``float64``; NaN where scores are no probabilities.

        As in scikit-learn's ``log_loss``, a probability below the epsilon of ``float64`` counts as that.
        """
        chances = scores.gather(1, target[:, None]).squeeze(1).double()
        losses = -chances.clamp(torch.finfo(torch.float64).eps, 1).log()
        return losses if self.probabilistic else torch.full_like(losses, torch.nan)


def estimator_facts(estimator: Any) -> dict[str, Any]:
    """Return what ``results.json`` says of a fitted classifier instead of a network's size and steps.

    ``n_params`` counts what was learnt as coefficients: those of a linear model or a network of scikit-learn's, or
    of a kernel machine's support vectors, with the intercepts; None for classifiers of another form.
    """
    learnt = [_size(estimator, name) for name in ("coef_", "coefs_", "dual_coef_")]
    intercepts = [_size(estimator, name) for name in ("intercept_", "intercepts_")]
    supports = _size(estimator, "support_")
    return {
        "estimator": type(estimator).__name__,
        "probabilistic": hasattr(estimator, "predict_proba"),
        "n_params": next(filter(None, learnt)) + sum(intercepts) if any(learnt) else None,
        **({"support_vectors": supports} if supports else {}),
        "epochs": None,
        "steps": None,
    }


def _voted(estimator: Any, decisions: np.ndarray) -> np.ndarray | None:
    """Return the positions of the classes that an SVM answers, read from its decision values; None for others.

    ``predict`` would compare every input with every support vector once more, which takes minutes on MNIST.
    Several classes vote one against one: scikit-learn adds less than a third of a vote to the votes.
    """
    if not isinstance(estimator, SVC | NuSVC) or estimator.decision_function_shape != "ovr":
        return None
    if decisions.ndim == 1:
        return (decisions >= 0).astype(np.intp)
    return (decisions if estimator.break_ties else np.rint(decisions)).argmax(1)


def _size(estimator: Any, name: str) -> int:
    """Return how many numbers a fitted attribute holds, an array or a list of arrays; 0 without it."""
    value = getattr(estimator, name, None)
    return sum(np.size(part) for part in (value if isinstance(value, list) else [value]) if part is not None)
