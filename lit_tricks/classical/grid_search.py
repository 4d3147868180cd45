"""A grid of parameters, judged by cross-validation on the training split."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV

from lit_tricks.errors import UserError


class GridSearch:
    """Tries every combination of parameter values and fits the best one on the whole training split.

    Folds are scikit-learn's ``StratifiedKFold`` in the data's order. Combinations whose mean scores differ by less
    than half an example's worth (1 / 2N) count as equal, and of equals the first wins: folds of unequal size alone
    make such differences, of which ``GridSearchCV`` takes the larger.

    Args:
        estimator: the classifier whose parameters are tried.
        folds: number of folds, at least 2 and at most the training examples of the rarest class.
        scoring: what is averaged over the folds, by scikit-learn's name.
        **grid: for each parameter the values to try, at least one.

    Raises ``UserError`` for an estimator that is no classifier, or a grid with a parameter that it does not have
    or without a value.
    """

    def __init__(self, estimator: Any, folds: int = 5, scoring: str = "accuracy", **grid: Sequence[Any]) -> None:
        if not is_classifier(estimator):
            raise UserError(
                f"model.estimator must be a classifier; received {type(estimator).__name__}: try sklearn.svm.SVC"
            )
        known = estimator.get_params()
        for name, values in grid.items():
            if name not in known:
                raise UserError(
                    f"model.{name} is no parameter of {type(estimator).__name__}; it has "
                    f"{', '.join(sorted(known))}: remove model.{name}"
                )
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise UserError(f"model.{name} must list values to try; received {values!r}: try model.{name}=[1,10]")
        if not grid:
            raise UserError("a grid search needs a parameter with values to try; received none: try model.C=[1,10]")
        if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
            raise UserError(f"model.folds must be a whole number of at least 2; received {folds}: try model.folds=5")
        self.estimator = estimator
        self.folds = folds
        self.scoring = scoring
        self.grid = {name: list(values) for name, values in grid.items()}

    @property
    def candidates(self) -> int:
        """Number of combinations."""
        return math.prod(map(len, self.grid.values()))

    def searcher(self, labels: np.ndarray) -> GridSearchCV:
        """Return scikit-learn's search for a training split with these ``labels``, (N,) class indices.

        Raises ``UserError`` when some class has fewer examples than there are folds.
        """
        rarest = int(np.unique(labels, return_counts=True)[1].min())
        if rarest < self.folds:
            remedy = f"try model.folds={rarest}" if rarest > 1 else "take more training examples of it"
            raise UserError(
                f"every fold needs an example of every class; model.folds={self.folds}, and the rarest class has "
                f"{rarest} in the training split: {remedy}"
            )
        return GridSearchCV(
            self.estimator,
            self.grid,
            scoring=self.scoring,
            cv=self.folds,
            error_score="raise",
            refit=partial(first_of_equals, tolerance=self.tolerance(labels)),
        )

    def tolerance(self, labels: np.ndarray) -> float:
        """Return the largest difference of two mean scores that counts for nothing: half of one of N examples."""
        return 0.5 / len(labels)


def first_of_equals(found: Mapping[str, Any], tolerance: float) -> int:
    """Return the position of the first combination in ``cv_results_`` that lies within ``tolerance`` of the best."""
    means = np.asarray(found["mean_test_score"])
    return int(np.argmax(means >= means.max() - tolerance))
