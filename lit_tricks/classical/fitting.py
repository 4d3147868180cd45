"""Fits a classical classifier."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from threadpoolctl import threadpool_limits

from lit_tricks.classical.grid_search import GridSearch
from lit_tricks.classical.search_table import SearchTable
from lit_tricks.errors import UserError


@dataclass(frozen=True)
class Fit:
    """A fitted classifier and how it came about.

    Attributes:
        estimator: the classifier; of a search, the best one, fitted on all examples.
        search: what a search tried, None without one.
        remarks: what scikit-learn warned of, each once.
    """

    estimator: Any
    search: SearchTable | None
    remarks: tuple[str, ...]


def fit_estimator(estimator: Any, inputs: np.ndarray, labels: np.ndarray, seed: int, threads: int) -> Fit:
    """Fit a scikit-learn classifier, a search of scikit-learn's, or a ``GridSearch``.

    Args:
        estimator: not fitted; every ``random_state`` in it that is None becomes ``seed``.
        inputs: (N, D) ``float32``.
        labels: (N,) ``int64`` class indices of at least two classes.
        seed: in 0..2³²−1.
        threads: at least 1; how many processors may work, where the classifier can use several.

    Raises ``UserError`` for what scikit-learn does not accept.
    """
    if len(np.unique(labels)) < 2:
        raise UserError("a classifier needs at least 2 classes in the training split; received 1: add the others")
    learner = estimator.searcher(labels) if isinstance(estimator, GridSearch) else estimator
    unset = [name for name, value in learner.get_params().items() if name.endswith("random_state") and value is None]
    learner.set_params(**dict.fromkeys(unset, seed))
    with warnings.catch_warnings(record=True) as caught, _working_on(threads):
        warnings.simplefilter("always")
        try:
            learner.fit(inputs, labels)
            # some limits, such as more neighbours than examples, only show when an answer is asked for
            learner.predict(inputs[:1])
        except (TypeError, ValueError) as error:
            raise UserError(
                f"model must accept its keys and the data; {type(learner).__name__} said: "
                f"{str(error).splitlines()[0]}: check model.* and try again"
            ) from error
    remarks = tuple(dict.fromkeys(str(warning.message).splitlines()[0] for warning in caught))
    if isinstance(learner, GridSearchCV | RandomizedSearchCV):
        tolerance = estimator.tolerance(labels) if isinstance(estimator, GridSearch) else 0.0
        return Fit(learner.best_estimator_, SearchTable.of(learner, tolerance), remarks)
    return Fit(learner, None, remarks)


@contextmanager
def _working_on(threads: int) -> Iterator[None]:
    """Let scikit-learn and the libraries below it use so many processors."""
    # threads share the training split; processes would each start Python and copy it
    with parallel_config(backend="threading", n_jobs=threads), threadpool_limits(threads):
        yield
