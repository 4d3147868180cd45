"""A fitted classifier as a file of plain data, which cannot run code when it is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

import skops.io
import torch
from sklearn.base import is_classifier

from lit_tricks.classical.soundness import check_sound
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError

SUFFIX = ".skops"

# What skops does not trust by itself: classes of scikit-learn's that only hold numbers, and its trees, whose
# numbers ``check_sound`` looks at.
TRUSTED = [
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
]


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        estimator: the fitted classifier.
        spec: the facts about its data.
        normaliser: the state of the normaliser, tensors by name.
    """

    estimator: Any
    spec: DataSpec
    normaliser: dict[str, torch.Tensor]


def pack(stored: Stored) -> tuple[bytes, list[str]]:
    """Return the content of the file, and the types in it that reading would not trust: with any it is useless."""
    content = {
        "estimator": stored.estimator,
        "data_spec": stored.spec.to_dict(),
        "normaliser": {name: value.numpy() for name, value in stored.normaliser.items()},
    }
    data = skops.io.dumps(content, compression=ZIP_DEFLATED)
    return data, sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED))


def unpack(path: Path) -> Stored:
    """Read what ``pack`` made; raises ``UserError`` for anything else, such as a file with a type not trusted."""
    try:
        content = skops.io.loads(path.read_bytes(), trusted=TRUSTED)
        estimator, spec = content["estimator"], DataSpec.from_dict(content["data_spec"])
        check_sound(estimator)
        if not is_classifier(estimator) or estimator.n_features_in_ != spec.num_features:
            raise ValueError("it holds no classifier of its data")
        normaliser = {name: torch.from_numpy(content["normaliser"][name]) for name in ("shift", "scale")}
        if any(value.shape != (1, *spec.input_shape) for value in normaliser.values()):
            raise ValueError("its normaliser does not fit its data")
    except Exception as error:
        raise UserError(
            f"a run needs an intact checkpoint; {path} cannot be read ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no reason'}): restore it, or fit again"
        ) from error
    return Stored(estimator, spec, normaliser)
