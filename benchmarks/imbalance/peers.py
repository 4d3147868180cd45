"""imbalanced-learn's own classifiers on the splits that our runs had."""

from collections.abc import Callable
from typing import Any

import numpy as np
from imblearn.ensemble import BalancedBaggingClassifier, BalancedRandomForestClassifier
from imblearn.metrics import geometric_mean_score
from sklearn.metrics import average_precision_score, balanced_accuracy_score, matthews_corrcoef

from lit_tricks.data import CSVDataModule

Figures = dict[str, Any]
PEERS: dict[str, Callable[[int], Any]] = {
    "BalancedBaggingClassifier": lambda seed: BalancedBaggingClassifier(random_state=seed, n_jobs=1),
    "BalancedRandomForestClassifier": lambda seed: BalancedRandomForestClassifier(random_state=seed, n_jobs=1),
}


def peer_figures(path: str, name: str, seed: int) -> Figures:
    """Fit one of ``PEERS`` with its defaults to the table at ``path`` and return its figures on the test split.

    It learns from training and validation split together, for it chooses nothing by validation. Positive is the class
    with fewer examples.
    """
    data = CSVDataModule(path, seed=seed)
    data.setup("fit")
    x = np.concatenate([_array(split.x) for split in (data.train, data.val)])
    y = np.concatenate([split.y.numpy() for split in (data.train, data.val)])
    positive = int(np.bincount(y).argmin())
    classifier = PEERS[name](seed).fit(x, y)
    scores = classifier.predict_proba(_array(data.test.x))
    true, predicted = data.test.y.numpy() == positive, scores.argmax(1) == positive
    return {
        "gmean": float(geometric_mean_score(true, predicted)),
        "balanced_acc": float(balanced_accuracy_score(true, predicted)),
        "mcc": float(matthews_corrcoef(true, predicted)),
        "rare_recall": float(predicted[true].mean()),
        "rare_precision": float(true[predicted].mean()),
        "rare_ap": float(average_precision_score(true, scores[:, positive])),
    }


def _array(x: Any) -> np.ndarray:
    return np.asarray(x, dtype=np.float32)
