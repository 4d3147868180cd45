"""Data sets that need no download: they come with scikit-learn or are computed."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Unpack

import numpy as np
import torch

from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.options import Options
from lit_tricks.data.selection import checked_classes, select_classes
from lit_tricks.data.source import Examples, Loaded, Source
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed


class DigitsSource(Source):
    """1,797 handwritten digits of 8×8 pixels in 17 grey levels, the test part of UCI's Optdigits.

    Args:
        classes: the digits to keep, at least two different ones; they become classes in this order. None is all.
    """

    name = "digits"
    kind = "image"

    def __init__(self, classes: Sequence[int] | None = None) -> None:
        self.classes = None if classes is None else checked_classes(classes, 10)

    def load(self) -> Loaded:
        """Return ``x`` uint8 (1797, 1, 8, 8) in 0..16 with the classes kept of ``0`` to ``9``; no test split."""
        rows = _digit_rows()
        x = torch.from_numpy(rows[:, :-1].reshape(-1, 1, 8, 8))
        y = torch.from_numpy(rows[:, -1].astype(np.int64))
        return select_classes(Loaded(Examples(x, y), None, tuple("0123456789"), (0.0, 16.0)), self.classes)


def _digit_rows() -> np.ndarray:
    """Return scikit-learn's digits, uint8 (1797, 65): 64 pixels and the class."""
    # the default run's data; to import scikit-learn for one table of numbers takes longer than to train on it
    package = find_spec("sklearn")
    for folder in (package.submodule_search_locations or []) if package else []:
        table = Path(folder, "datasets", "data", "digits.csv.gz")
        if table.is_file():
            return np.loadtxt(table, delimiter=",", dtype=np.uint8)
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return np.column_stack([x, y]).astype(np.uint8)


class BreastCancerSource(Source):
    """Wisconsin diagnostic breast cancer: 30 features of cell nuclei, 357 benign and up to 212 malignant cases.

    Args:
        malignant_share: share of malignant cases to thin the data to, in (0, 0.372]; None keeps all 212, which is
            a share of 0.3726. The default is the 90/10 of lecture IANN-7. The same cases are kept in every run,
            and thinning comes before any split, so each split has this share.

    Raises ``UserError`` for a share out of range.
    """

    name = "breast_cancer"
    kind = "table"

    def __init__(self, malignant_share: float | None = 0.1) -> None:
        if malignant_share is not None and not 0 < malignant_share <= 0.372:
            raise UserError(
                f"data.malignant_share must lie in (0, 0.372]; received {malignant_share}: "
                "try data.malignant_share=0.1, or null for all cases"
            )
        self.malignant_share = malignant_share

    def load(self) -> Loaded:
        """Return ``x`` float32 (N, 30) with class 0 ``malignant`` and 1 ``benign``, as scikit-learn numbers them."""
        from sklearn.datasets import load_breast_cancer

        cancer = load_breast_cancer()
        rows = np.arange(len(cancer.target))
        if self.malignant_share is not None:
            malignant, benign = np.flatnonzero(cancer.target == 0), np.flatnonzero(cancer.target == 1)
            # At least 2, so that training and test split can have one each.
            count = max(2, round(len(benign) * self.malignant_share / (1 - self.malignant_share)))
            generator = np.random.default_rng(derive_seed(0, "breast_cancer"))
            rows = np.sort(np.concatenate([generator.permutation(malignant)[:count], benign]))
        x = torch.from_numpy(cancer.data[rows].astype(np.float32))
        y = torch.from_numpy(cancer.target[rows].astype(np.int64))
        thinned_by = None if self.malignant_share is None else f"data.malignant_share={self.malignant_share}"
        names = tuple(str(name) for name in cancer.target_names)
        return Loaded(Examples(x, y), None, names, thinned_by=thinned_by)


class MoonsSource(Source):
    """Two interleaving half circles in the plane with Gaussian noise (scikit-learn's ``make_moons``).

    Args:
        n_samples: points in all, at least 4.
        noise: standard deviation of the noise, at least 0; the moons have radius 1.
        moons_seed: seed of the points, apart from the run's seed so that all runs see the same moons.

    Raises ``UserError`` for a value out of range.
    """

    name = "moons"
    kind = "table"

    def __init__(self, n_samples: int = 1000, noise: float = 0.25, moons_seed: int = 3) -> None:
        if n_samples < 4:
            raise UserError(f"data.n_samples must be at least 4; received {n_samples}: try data.n_samples=1000")
        if not 0 <= noise < float("inf"):
            raise UserError(f"data.noise must be at least 0 and finite; received {noise}: try data.noise=0.25")
        if not 0 <= moons_seed < 2**32:
            raise UserError(f"data.moons_seed must lie in 0..2**32-1; received {moons_seed}: try data.moons_seed=3")
        self.n_samples = n_samples
        self.noise = noise
        self.moons_seed = moons_seed

    def load(self) -> Loaded:
        """Return ``x`` float32 (n_samples, 2) with class 0 the ``upper`` and 1 the ``lower`` moon."""
        from sklearn.datasets import make_moons

        x, y = make_moons(self.n_samples, noise=self.noise, random_state=self.moons_seed)
        examples = Examples(torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.int64)))
        return Loaded(examples, None, ("upper", "lower"))


class DigitsDataModule(ArrayDataModule):
    """``DigitsSource`` as a data module."""

    def __init__(self, classes: Sequence[int] | None = None, **common: Unpack[Options]) -> None:
        super().__init__(DigitsSource(classes), **common)


class BreastCancerDataModule(ArrayDataModule):
    """``BreastCancerSource`` as a data module."""

    def __init__(self, malignant_share: float | None = 0.1, **common: Unpack[Options]) -> None:
        super().__init__(BreastCancerSource(malignant_share), **common)


class MoonsDataModule(ArrayDataModule):
    """``MoonsSource`` as a data module."""

    def __init__(
        self, n_samples: int = 1000, noise: float = 0.25, moons_seed: int = 3, **common: Unpack[Options]
    ) -> None:
        super().__init__(MoonsSource(n_samples, noise, moons_seed), **common)
