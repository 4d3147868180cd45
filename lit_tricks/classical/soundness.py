"""Indices that compiled code follows without looking: checked in whatever comes from a file.

A file of plain data cannot run code, yet scikit-learn walks trees and an SVM's arrays without bounds checks, so a
crafted file could make it read memory that is not its own.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.svm import SVC, NuSVC
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import TREE_LEAF


class Unsound(ValueError):
    """Arrays of a classifier contradict each other."""


def check_sound(estimator: Any) -> None:
    """Raise ``Unsound`` when a tree or a support vector machine anywhere in ``estimator`` would reach out of bounds."""
    for part in _parts(estimator, set()):
        for kind, (fitted, check) in _CHECKS.items():
            # an ensemble also holds the pattern of its members, which is not fitted
            if isinstance(part, kind) and hasattr(part, fitted):
                check(part)


def _parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield ``value`` and every object it holds, each once."""
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    inner = [*getattr(value, "__dict__", {}).values()]
    if isinstance(value, dict):
        inner += value.values()
    elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        inner += np.ravel(value).tolist() if isinstance(value, np.ndarray) else value
    for part in inner:
        yield from _parts(part, seen)


def _check_tree(holder: BaseDecisionTree) -> None:
    tree = holder.tree_
    leaf = tree.children_left == TREE_LEAF
    _check_children(tree.children_left, tree.children_right, leaf)
    _check(
        tree.n_features == holder.n_features_in_ and _inside(tree.feature[~leaf], tree.n_features), "a tree's inputs"
    )


def _check_boosted_trees(booster: GradientBoostingClassifier) -> None:
    per_step = 1 if len(booster.classes_) == 2 else len(booster.classes_)
    _check(booster.n_trees_per_iteration_ == booster.estimators_.shape[1] == per_step, "a boosted classifier's trees")
    inputs = {tree.n_features_in_ for tree in booster.estimators_.ravel()}
    _check(inputs == {booster.n_features_in_}, "a boosted classifier's inputs")


def _check_histogram_trees(booster: HistGradientBoostingClassifier) -> None:
    for nodes in (tree.nodes for step in booster._predictors for tree in step):
        left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
        _check_children(left, right, nodes["is_leaf"].astype(bool))
        _check(_inside(nodes["feature_idx"], booster.n_features_in_), "a boosted tree's inputs")
        # our inputs are numbers; a split over categories would follow a further array
        _check(not nodes["is_categorical"].any(), "a boosted tree's categories")


def _check_children(left: np.ndarray, right: np.ndarray, leaf: np.ndarray) -> None:
    """Children come after their parent, so that every walk ends."""
    parents = np.flatnonzero(~leaf)
    for children in (left[~leaf], right[~leaf]):
        _check(_inside(children, len(left)) and bool((children > parents).all()), "a tree's nodes")
    _check(len(left) > 0, "a tree's nodes")


def _check_svm(svm: SVC | NuSVC) -> None:
    classes, vectors = len(svm.classes_), len(svm.support_vectors_)
    counts = svm._n_support
    _check(counts.shape == (classes,) and _inside(counts, vectors + 1), "an SVM's support vectors")
    _check(int(counts.sum()) == vectors == len(svm.support_), "an SVM's support vectors")
    _check(svm.support_vectors_.shape == (vectors, svm.n_features_in_), "an SVM's support vectors")
    _check(svm._dual_coef_.shape == (classes - 1, vectors), "an SVM's coefficients")
    _check(svm._intercept_.shape == (classes * (classes - 1) // 2,), "an SVM's intercepts")
    _check(svm.kernel in ("linear", "poly", "rbf", "sigmoid") and not svm._sparse, "an SVM's kernel")


def _inside(values: np.ndarray, bound: int) -> bool:
    """Return whether all ``values`` lie in [0, ``bound``)."""
    return bool(((values >= 0) & (values < bound)).all())


def _check(sound: bool, what: str) -> None:
    if not sound:
        raise Unsound(f"{what} contradict each other")


# the classes concerned, the attribute that a fitted one has, and its check
_CHECKS: dict[type, tuple[str, Callable[[Any], None]]] = {
    BaseDecisionTree: ("tree_", _check_tree),
    GradientBoostingClassifier: ("estimators_", _check_boosted_trees),
    HistGradientBoostingClassifier: ("_predictors", _check_histogram_trees),
    SVC: ("support_vectors_", _check_svm),
    NuSVC: ("support_vectors_", _check_svm),
}
