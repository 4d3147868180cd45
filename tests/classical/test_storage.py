"""A stored classifier comes back as it was, and a stranger's file neither runs code nor reaches out of bounds."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC

from lit_tricks.classical import FittedEstimator
from lit_tricks.classical.storage import Stored, pack, unpack
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError

INPUTS, LABELS = load_iris(return_X_y=True)
INPUTS = INPUTS.astype(np.float32)
SPEC = DataSpec("iris", "table", (4,), ("a", "b", "c"), (50, 50, 50), None, 150, 0, 0, {"feature_names": ["w"] * 4})
STATE = {"shift": torch.arange(4.0).view(1, 4), "scale": torch.full((1, 4), 0.5)}
CLASSIFIERS: list[Any] = [
    SVC(),
    LinearSVC(),
    LogisticRegression(max_iter=500),
    DummyClassifier(),
    KNeighborsClassifier(algorithm="brute"),
    RandomForestClassifier(5, random_state=0),
    AdaBoostClassifier(n_estimators=3, random_state=0),
    GradientBoostingClassifier(n_estimators=3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3, random_state=0),
    CalibratedClassifierCV(SVC(), ensemble=False),
    MLPClassifier([4], max_iter=400, tol=1e-1, random_state=0),
    GaussianProcessClassifier(optimizer=None),
    StackingClassifier([("a", GaussianNB()), ("b", SVC())], LogisticRegression()),
]


def stored(estimator: Any, **changes: Any) -> Stored:
    return Stored(**{"estimator": estimator, "spec": SPEC, "normaliser": STATE, **changes})


def write(path: Path, content: Stored) -> Path:
    path.write_bytes(pack(content)[0])
    return path


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda each: type(each).__name__)
def test_a_classifier_comes_back_to_the_last_bit(estimator: Any, tmp_path: Path) -> None:
    estimator.fit(INPUTS, LABELS)
    data, distrusted = pack(stored(estimator))
    assert distrusted == []
    (tmp_path / "model.skops").write_bytes(data)
    back = unpack(tmp_path / "model.skops")
    assert back.spec == SPEC
    assert all(torch.equal(back.normaliser[name], STATE[name]) for name in STATE)
    x = torch.from_numpy(INPUTS)
    assert torch.equal(FittedEstimator(back.estimator, 3)(x), FittedEstimator(estimator, 3)(x))


def test_what_cannot_be_stored_is_named() -> None:
    estimator = KNeighborsClassifier(algorithm="kd_tree").fit(INPUTS, LABELS)
    assert "sklearn.neighbors._kd_tree.KDTree" in pack(stored(estimator))[1]


def test_a_file_that_names_code_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    content = {"estimator": partial(os.system, f"touch {touched}"), "data_spec": {}, "normaliser": {}}
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(content))
    with pytest.raises(UserError, match=r"UntrustedTypesFoundException.*(system|partial)"):
        unpack(tmp_path / "model.skops")
    assert not touched.exists()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"intact checkpoint; .* cannot be read \(BadZipFile"):
        unpack(tmp_path / "model.skops")


def test_a_classifier_of_other_data_is_refused(tmp_path: Path) -> None:
    for estimator, labels in ((LogisticRegression(), LABELS), (Ridge(), LABELS.astype(float))):
        inputs = INPUTS[:, :3] if isinstance(estimator, LogisticRegression) else INPUTS
        path = write(tmp_path / "model.skops", stored(estimator.fit(inputs, labels)))
        with pytest.raises(UserError, match="holds no classifier of its data"):
            unpack(path)
    path = write(
        tmp_path / "model.skops", stored(SVC().fit(INPUTS, LABELS), normaliser={**STATE, "scale": torch.ones(4)})
    )
    with pytest.raises(UserError, match="normaliser does not fit"):
        unpack(path)


def _feature(forest: Any) -> None:
    forest.estimators_[1].tree_.feature[0] = 99


def _loop(forest: Any) -> None:
    forest.estimators_[0].tree_.children_right[0] = 0


def _child(forest: Any) -> None:
    forest.estimators_[0].tree_.children_left[0] = 10**6


def _narrower(forest: Any) -> None:
    forest.estimators_[0].n_features_in_ = 2


def _boosted_inputs(booster: Any) -> None:
    booster.n_features_in_ = 4
    booster.estimators_[1, 0].n_features_in_ = 3


def _boosted_classes(booster: Any) -> None:
    booster.n_trees_per_iteration_ = 1


def _histogram_feature(booster: Any) -> None:
    booster._predictors[0][1].nodes["feature_idx"][0] = 4


def _histogram_child(booster: Any) -> None:
    booster._predictors[0][0].nodes["left"][0] = 4000


def _histogram_category(booster: Any) -> None:
    booster._predictors[0][0].nodes["is_categorical"][0] = 1


def _machine_counts(machine: Any) -> None:
    machine._n_support[:] = [10**6, -(10**6), len(machine.support_vectors_)]


def _machine_coefficients(machine: Any) -> None:
    machine._dual_coef_ = machine._dual_coef_[:, :-1]


def _machine_intercepts(machine: Any) -> None:
    machine._intercept_ = machine._intercept_[:1]


def _machine_width(machine: Any) -> None:
    machine.support_vectors_ = machine.support_vectors_[:, :2]


def _machine_kernel(machine: Any) -> None:
    machine.kernel = "precomputed"


def _inner_machine(calibrated: Any) -> None:
    _machine_width(calibrated.calibrated_classifiers_[0].estimator)


@pytest.mark.parametrize(
    ("estimator", "damage"),
    [(RandomForestClassifier(3, random_state=0), each) for each in (_feature, _loop, _child, _narrower)]
    + [(GradientBoostingClassifier(n_estimators=2), each) for each in (_boosted_inputs, _boosted_classes)]
    + [
        (HistGradientBoostingClassifier(max_iter=2), each)
        for each in (_histogram_feature, _histogram_child, _histogram_category)
    ]
    + [
        (SVC(), each)
        for each in (_machine_counts, _machine_coefficients, _machine_intercepts, _machine_width, _machine_kernel)
    ]
    + [(CalibratedClassifierCV(SVC(), ensemble=False), _inner_machine)],
    ids=lambda each: type(each).__name__ if hasattr(each, "fit") else each.__name__.strip("_"),
)  # fmt: skip
def test_arrays_that_would_lead_out_of_bounds_are_refused(estimator: Any, damage: Any, tmp_path: Path) -> None:
    estimator.fit(INPUTS, LABELS)
    damage(estimator)
    with pytest.raises(UserError, match=r"\(Unsound: .* contradict each other\)"):
        unpack(write(tmp_path / "model.skops", stored(estimator)))
