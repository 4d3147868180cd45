"""What a knob accepts on the command line is what the class behind it accepts."""

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from lit_tricks.callbacks import EarlyStopping
from lit_tricks.classical import fit_estimator
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.ranges import KNOBS, TOP
from lit_tricks.commandline.values import knob_for
from lit_tricks.data.splitting import check_fold, rows_of, stratified_subset
from lit_tricks.errors import UserError
from lit_tricks.instantiation import build_node
from lit_tricks.targets import resolve

COMPOSER = Composer(str(conf_dir()))
NEEDS: dict[str, dict[str, Any]] = {
    "model": {"input_shape": (1, 8, 8), "num_classes": 3},
    "sampler": {"labels": torch.tensor([0, 1, 1])},
    "loss": {"num_classes": 3, "class_counts": (9, 5, 2)},
    "augmentation": {"input_shape": (3, 8, 8), "num_classes": 3, "value_range": (0.0, 1.0)},
    "transfer": {"source": "runs/RUN"},
}

# the word whose class is built, the key, and values at and around its bounds
BOUNDARIES: list[tuple[str, str, list[Any]]] = [
    ("data/moons", "n_samples", [3, 4, 5]),
    ("data/moons", "noise", [-0.01, 0, 0.01, float("inf"), float("nan")]),
    ("data/moons", "moons_seed", [-1, 0, 2**32 - 1, 2**32]),
    ("data/breast_cancer", "malignant_share", [None, 0, 0.001, 0.372, 0.3721, 1]),
    ("data/digits", "val_split", ["stratified", "first", "last"]),
    ("data/digits", "normalise", ["minmax", "standard", "none", "zscore"]),
    ("data/digits", "test_size", [0, 0.2]),
    ("data/digits", "folds", [None, 1, 2]),
    ("data/image_folder", "image_size", [None, 0, 1, [1], [1, 2], [0, 2], [1, 2, 3]]),
    ("data/image_folder", "colour", ["auto", "grey", "rgb", "green"]),
    ("data/mnist", "mirrors", [None, [], ["http://127.0.0.1"], "http://127.0.0.1"]),
    ("imbalance/two_class", "splits", ["train", "all", "test"]),
    ("imbalance/two_class", "share", [0, 0.1, 0.99, 1]),
    ("imbalance/two_class", "rare", [-1, 0, 1, 2]),
    ("imbalance/long_tail", "factor", [0.9, 1, 100, float("inf")]),
    ("imbalance/step", "rare_classes", [0, 0.1, 0.99, 1]),
    ("imbalance/counts", "counts", [[0, 1], [1, 1], [1, 2.5]]),
    ("model/mlp", "hidden", [[], [0], [1], 1, [1.5]]),
    ("model/mlp", "dropout", [-0.1, 0, 0.99, 1, [0.1], [1]]),
    ("model/mlp", "norm_momentum", [0, 0.01, 1, 1.01]),
    ("model/mlp", "activation", ["relu", "gelu", "rleu"]),
    ("model/mlp", "norm", ["none", "batch", "layer", "group"]),
    ("model/cnn", "channels", [[], [0], [1]]),
    ("model/cnn", "kernel_size", [0, 1, 3]),
    ("model/cnn", "pool", [0, 1, 2]),
    ("init/default", "scheme", ["default", "zeros", "he"]),
    ("init/normal", "std", [0, 0.001, -1]),
    ("init/normal", "bias_std", [None, 0, 0.001]),
    ("init/uniform", "bound", [0, 0.001, -1]),
    ("init/he_normal", "gain", ["auto", "none", 0, 0.1]),
    ("init/he_normal", "bias", ["zero", "normal", "prior", "keep", "one"]),
    ("loss/cross_entropy", "label_smoothing", [-0.1, 0, 0.99, 1]),
    ("loss/bce", "over_outputs", ["mean", "sum", "max"]),
    ("loss/mse", "output", ["sigmoid", "softmax", "identity", "relu"]),
    ("loss/mse", "reduction", ["mean", "half_sum", "sum"]),
    ("loss/cross_entropy", "class_weights", ["none", "inverse", "effective_number", "balanced", [1, 2, 3], [0, 1, 1]]),
    ("loss/cross_entropy", "beta", [-0.1, 0, 0.99, 1]),
    ("loss/cross_entropy", "weight_normalisation", ["training_set", "batch", "sum"]),
    ("loss/logit_adjustment", "tau", [-0.1, 0, 2]),
    ("loss/focal", "gamma", [-0.1, 0, 2]),
    ("loss/ldam", "max_margin", [0, 0.1]),
    ("loss/ldam", "scale", [0, 30]),
    ("sampler/weighted", "power", [-0.1, 0, 1, 1.1]),
    ("sampler/progressive", "epochs", [0, 1, 1.5]),
    ("penalty/none", "l1", [-0.1, 0, 0.1, float("inf"), float("nan")]),
    ("penalty/none", "l2", [-0.1, 0, 0.1, float("inf"), float("nan")]),
    ("penalty/none", "convention", ["sum", "half_sum", "keras"]),
    ("correction/none", "prior", ["none", "uniform", "equal", [0.5, 0.5], [1.0], [0, 1], [0.2, 0.3, 0.5]]),
    ("correction/none", "tau", [-0.1, 0, 2, float("inf")]),
    ("correction/none", "threshold", ["none", "cost", "fitted_cost", "recall", "f1", "precision"]),
    ("correction/none", "cost_ratio", [0, 0.1, 10, float("inf")]),
    ("correction/none", "min_recall", [0, 0.1, 1, 1.1]),
    ("correction/none", "positive", [None, 0, 1, 2]),
    ("transfer/frozen", "statistics", ["source", "data", "both"]),
    ("transfer/frozen", "new_output", ["auto", True, False, "yes"]),
    ("transfer/fine_tuned", "body_lr", [0, 0.1, 1, 1.1]),
    ("transfer/gradual", "epochs_each", [0, 1, 1.5]),
    ("transfer/gradual", "lr_divisor", [0.9, 1, 2.6]),
    ("data/digits", "classes", [None, [], [0], [0, 1], [0, 10]]),
    ("scheduler/none", "warmup_steps", [-1, 0, 1, 1.5]),
    ("scheduler/cyclic", "min_lr", [None, -0.1, 0]),
    ("scheduler/cyclic", "max_lr", [None, 0, 0.1]),
    ("scheduler/cyclic", "half_cycle", [None, 0, 1]),
    ("scheduler/cosine", "min_lr", [None, -0.1, 0]),
    ("scheduler/exponential", "decay_rate", [0, 0.1, 1, 1.1]),
    ("scheduler/exponential", "decay_steps", [None, 0, 1]),
    ("scheduler/inverse_time", "decay_rate", [-0.1, 0, 5]),
    ("scheduler/one_cycle", "pct_start", [-0.1, 0, 1, 1.1]),
    ("scheduler/one_cycle", "div", [0.9, 1]),
    ("scheduler/one_cycle", "final_div", [0.9, 1]),
    ("scheduler/one_cycle", "base_momentum", [-0.1, 0, 0.99, 1]),
    ("scheduler/one_cycle", "max_momentum", [-0.1, 0, 0.99, 1]),
    ("scheduler/plateau", "factor", [0, 0.1, 1]),
    ("scheduler/plateau", "patience", [-1, 0, 1.5]),
    ("scheduler/plateau", "threshold", [-0.1, 0]),
    ("scheduler/plateau", "cooldown", [-1, 0]),
    ("scheduler/plateau", "mode", ["min", "max", "best"]),
    ("scheduler/step", "gamma", [0, 0.1, 1, 1.1]),
    ("scheduler/step", "step_epochs", [0, 1]),
    ("scheduler/warm_restarts", "first_period", [None, 0, 1]),
    ("scheduler/warm_restarts", "t_mult", [0.9, 1]),
    ("scheduler/warm_restarts", "m_mul", [0, 0.1, 1, 1.1]),
    ("study/optimizer_race", "start", [[1], [1, 2], [1, 2, 3], 1, [1, float("inf")]]),
    ("study/optimizer_race", "steps", [0, 1, 1.5]),
    ("study/optimizer_race", "only", [None, [], ["sgd"], "sgd"]),
    ("study/learning_rate_sweep", "rates", [[], [0], [-0.1], 0.1]),
    ("study/slow_learning", "examples", [0, 1]),
    ("study/slow_learning", "batch_size", [0, 1]),
    ("study/slow_learning", "epochs", [0, 1]),
    ("study/gradient_at_the_drive", "classes", [1, 2]),
    ("study/gradient_at_the_drive", "reach", [0, 0.1, 100, 100.1, float("nan")]),
    ("study/activations", "activations", [[], ["relu"], ["softmax"], ["rleu"]]),
    ("study/activations", "reach", [0, 0.1, 100, 100.1]),
    ("study/activations", "softmax_drives", [1, 2, 2.5]),
    ("study/network_diagram", "input_shape", [[], [0], [1], [2, 3]]),
    ("study/network_diagram", "num_classes", [0, 1]),
    ("augmentation/full", "affine.degrees", [-1, 0, 180, 180.1]),
    ("augmentation/full", "affine.shift", [-0.1, 0, 0.99, 1]),
    ("augmentation/full", "affine.shear", [-1, 0, 89.9, 90]),
    ("augmentation/full", "affine.zoom", [-0.1, 0, 0.99, 1]),
    ("augmentation/full", "affine.crop", [0, 0.01, 1, 1.1]),
    ("augmentation/full", "affine.rotate_crop", [-0.1, 0, 1, 1.1]),
    ("augmentation/full", "affine.padding_mode", ["zeros", "border", "reflection", "edge"]),
    ("augmentation/full", "flip.horizontal", [-0.1, 0, 1, 1.1]),
    ("augmentation/full", "flip.vertical", [-0.1, 0, 1, 1.1]),
    ("augmentation/full", "colour.brightness", [-0.1, 0, 1, 1.1]),
    ("augmentation/full", "colour.contrast", [-0.1, 0, 1, 1.1]),
    ("augmentation/full", "colour.saturation", [-0.1, 0, 1, 1.1]),
    ("augmentation/full", "colour.hue", [-0.1, 0, 0.5, 0.51]),
    ("augmentation/random_crop", "random_crop.padding", [-1, 0, 0.5, 1, 4, 2.5]),
    ("augmentation/random_erasing", "random_erasing.p", [-0.1, 0, 1, 1.1]),
    ("augmentation/random_erasing", "random_erasing.scale", [[0, 0.3], [0.1, 1], [0.1, 1.1], [0.1]]),
    ("augmentation/random_erasing", "random_erasing.ratio", [[0, 3], [0.1, 9], [1, 2, 3]]),
    ("augmentation/random_erasing", "random_erasing.value", ["random", "zero", "mean"]),
    ("augmentation/mixup", "mixup.alpha", [-0.1, 0, 5, float("inf")]),
    ("augmentation/mixup", "mixup.p", [-0.1, 0, 1, 1.1]),
    ("augmentation/cutmix", "cutmix.alpha", [-0.1, 0, 5, float("inf")]),
    ("augmentation/cutmix", "cutmix.p", [-0.1, 0, 1, 1.1]),
]


def _is_built(group: str, word: str, key: str, value: Any) -> bool:
    node: dict[str, Any] = OmegaConf.to_container(COMPOSER.own(group, word), resolve=False)  # type: ignore[assignment]
    name, _, key = key.rpartition(".")
    node = node[name] if name else node
    target = resolve(node.pop("_target_"))
    node.pop("_partial_", None)
    wanted = inspect.signature(target).parameters
    needs = {name: value for name, value in NEEDS.get(group, {}).items() if name in wanted}
    try:
        target(**{**node, **needs, key: value})
    except UserError:
        return False
    return True


@pytest.mark.parametrize(("place", "key", "values"), BOUNDARIES, ids=lambda part: part if isinstance(part, str) else "")
def test_the_rule_and_the_constructor_agree(place: str, key: str, values: list[Any]) -> None:
    group, _, word = place.partition("/")
    knob = knob_for(group, word, key)
    assert knob is not None
    accepted = [value for value in values if knob.complaint(value) is None]
    assert accepted == [value for value in values if _is_built(group, word, key, value)]
    assert 0 < len(accepted) < len(values)


@pytest.mark.parametrize("size", [-1, 0, 0.0, 0.5, 0.99, 1, 1.0, 1.5])
def test_split_sizes_agree_with_the_splitting(size: float) -> None:
    def fits(split: Any) -> bool:
        try:
            split()
        except UserError:
            return False
        return True

    knobs, labels = KNOBS["data"], np.arange(200) % 2
    assert (knobs["val_size"].complaint(size) is None) == fits(lambda: rows_of(size, 200, "val_size"))
    assert (knobs["train_size"].complaint(size) is None) == fits(lambda: stratified_subset(labels, size, 0))


@pytest.mark.parametrize("fold", [-1, 0, 4])
def test_folds_agree_with_the_splitting(fold: int) -> None:
    accepted = KNOBS["data"]["fold"].complaint(fold) is None
    if accepted:
        check_fold(5, fold)
    else:
        with pytest.raises(UserError, match=r"data\.fold"):
            check_fold(5, fold)


@pytest.mark.parametrize(("key", "values"), [("patience", [0, 1]), ("min_delta", [-0.1, 0])])
def test_early_stopping_agrees(key: str, values: list[Any]) -> None:
    bad, good = values
    knob = KNOBS["callbacks"][f"early_stopping.{key}"]
    assert knob.complaint(good) is None
    assert knob.complaint(bad) is not None
    EarlyStopping(**{key: good})
    with pytest.raises(UserError, match="early stopping needs patience"):
        EarlyStopping(**{key: bad})


CLASSICAL: list[tuple[str, str, list[Any]]] = [
    ("svm", "kernel", ["rbf", "linear", "poly", "sigmoid", "rfb"]),
    ("svm", "C", [-1, 0, 0.001]),
    ("svm", "gamma", [-1, 0.1, "scale", "auto", "wide"]),
    ("svm", "class_weight", [None, "balanced", "heavy"]),
    ("logistic_regression", "max_iter", [-1, 1]),
    ("majority", "strategy", ["most_frequent", "prior", "median"]),
    ("nearest_neighbours", "n_neighbors", [0, 1]),
    ("nearest_neighbours", "weights", ["uniform", "distance", "near"]),
    ("nearest_neighbours", "p", [0, 1, 2.5]),
    ("random_forest", "n_estimators", [0, 1]),
    ("random_forest", "max_depth", [None, 0, 1]),
    ("random_forest", "min_samples_leaf", [0, 1]),
    ("random_forest", "max_features", ["sqrt", "log2", "all", 0, 1, 0.5, 1.0, 1.5]),
    ("svm_grid", "folds", [1, 2]),
    ("svm_grid", "scoring", ["accuracy", "balanced_accuracy", "f1_macro", "precison"]),
    ("svm_grid", "C", [[], [0], [1]]),
    ("svm_grid", "estimator.kernel", ["poly", "ploy"]),
]


@pytest.mark.parametrize(("word", "key", "values"), CLASSICAL, ids=lambda part: part if isinstance(part, str) else "")
def test_the_rule_and_scikit_learn_agree(word: str, key: str, values: list[Any]) -> None:
    inputs = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)

    def fits(value: Any) -> bool:
        node = OmegaConf.create(OmegaConf.to_container(COMPOSER.own("model", word), resolve=False))
        OmegaConf.update(node, key, value)
        try:
            fit_estimator(build_node(node, "model"), inputs, np.arange(30) % 2, 0, 1)
        except UserError:
            return False
        return True

    knob = knob_for("model", word, key)
    assert knob is not None
    accepted = [value for value in values if knob.complaint(value) is None]
    assert accepted == [value for value in values if fits(value)]
    assert 0 < len(accepted) < len(values)


def test_every_refusal_of_a_number_or_a_word_has_something_to_try() -> None:
    for table, knobs in {"": TOP, **KNOBS}.items():
        for name, knob in knobs.items():
            assert (knob.kind == "any" and not knob.choices) or knob.suggestion("?!") is not None, f"{table}.{name}"
