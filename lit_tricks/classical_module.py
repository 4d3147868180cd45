"""A fitted classical classifier as the module that evaluation and prediction know."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from torch import nn

from lit_tricks.classical import EstimatorScores, FittedEstimator
from lit_tricks.classical.storage import unpack
from lit_tricks.data.normalise import Normaliser
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.module import LitClassifier


def classifier_module(estimator: Any, spec: DataSpec, normaliser: nn.Module) -> LitClassifier:
    """Return a fitted scikit-learn classifier, with its data's facts and normaliser, as a module."""
    network = FittedEstimator(estimator, spec.num_classes)
    return LitClassifier(network, EstimatorScores(network.probabilistic), normaliser, _nothing_to_train, spec)


def restored_classifier(path: Path) -> LitClassifier:
    """Return the classifier in a checkpoint; raises ``UserError`` when the file is damaged or not trusted."""
    stored = unpack(path)
    normaliser = Normaliser.empty(stored.spec.input_shape)
    normaliser.load_state_dict(stored.normaliser)
    return classifier_module(stored.estimator, stored.spec, normaliser)


def _nothing_to_train(parameters: Iterable[nn.Parameter]) -> NoReturn:
    raise UserError("a fitted classifier has nothing to train in steps: evaluate it or predict with it")
