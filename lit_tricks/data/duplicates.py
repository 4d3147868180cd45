"""Examples that are in two splits at once, as they are or nearly so."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lit_tricks.data.digests import row_digests
from lit_tricks.data.normalise import Normaliser
from lit_tricks.data.source import Examples
from lit_tricks.functional.seeding import derive_seed

How = Literal["exact", "near"]

# root mean square differences, in standard deviations: of the 3,000 nearest pairs of distinct digits, MNIST and Fashion
# images none is nearer than 0.12, while noise of 2 % of the contrast makes at most 0.08
IMAGES_ALIKE, ROWS_ALIKE = 0.1, 0.01
# what is compared one with all: 2,000 with 20,000 take a second or two
MOST_ASKED, MOST_SEARCHED = 2_000, 20_000
_SMALL, _DIRECTIONS, _CHUNK, _PIECE_VALUES = 8, 64, 256, 2**22
_FLAT = 1e-6


@dataclass(frozen=True)
class Shared:
    """What one split shares with another.

    Attributes:
        split: the split that was asked about, such as ``test``.
        among: the one that was searched, such as ``train``.
        exact: examples of ``split`` whose inputs are, value for value, those of one in ``among``.
        contradicting: how many of those have no twin with the same label.
        near: further examples with one in ``among`` that hardly differs; None where it was not looked for.
        asked: examples of ``split`` that ``near`` is counted among, a sample where it is less than all.
        searched: examples of ``among`` that ``near`` was looked for in.
    """

    split: str
    among: str
    exact: int
    contradicting: int
    near: int | None = None
    asked: int = 0
    searched: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as primitives."""
        return asdict(self)


def find_duplicates(
    splits: Mapping[str, Examples], normaliser: Normaliser, kind: Literal["image", "table"], how: How = "exact"
) -> list[Shared]:
    """Return what each of ``splits`` shares with each one before it, in their order, empty splits left out.

    ``exact`` compares the bytes of all raw inputs. ``near`` also looks for the nearest example of the other split, in
    small, and then at the whole of that pair: an image counts as a near duplicate when the two, each brought to mean 0
    and standard deviation 1, differ by a root mean square below 0.1 (a correlation above 0.995), so that another
    brightness, contrast or a little noise does not hide it, while a shift or a turn does; a row of a table when its
    normalised features differ by less than 0.01. At most 2,000 examples are compared with at most 20,000, drawn alike
    in every run.

    Args:
        splits: name → examples.
        normaliser: with the statistics of the training split, for tables.
        kind: of the examples.
        how: what to look for.
    """
    named = [(name, examples) for name, examples in splits.items() if len(examples)]
    digests = {
        name: [digest for piece in examples.pieces(_PIECE_VALUES) for digest in row_digests(piece.numpy())]
        for name, examples in named
    }
    found = []
    for place, (name, examples) in enumerate(named):
        for among, others in named[:place]:
            exact, contradicting = _exact(digests[name], examples.y, digests[among], others.y)
            shared = Shared(name, among, int(exact.sum()), contradicting)
            if how == "near":
                asked = _sample(len(examples), MOST_ASKED, f"{name}/asked")
                searched = _sample(len(others), MOST_SEARCHED, f"{among}/searched")
                alike = _near(examples.take(asked), others.take(searched), normaliser, kind)
                near = int((alike & ~exact[asked]).sum())
                shared = Shared(name, among, shared.exact, contradicting, near, len(asked), len(searched))
            found.append(shared)
    return found


def _exact(digests: list[bytes], labels: Tensor, others: list[bytes], other_labels: Tensor) -> tuple[np.ndarray, int]:
    """Return which examples, (N,) bool, have a twin, and how many have none with their label."""
    known = set(others)
    same = Counter(zip(others, other_labels.tolist(), strict=True))
    exact = np.array([digest in known for digest in digests])
    agreeing = np.array([key in same for key in zip(digests, labels.tolist(), strict=True)])
    return exact, int((exact & ~agreeing).sum())


def _sample(count: int, most: int, what: str) -> np.ndarray:
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(derive_seed(0, "duplicates", what)).choice(count, most, replace=False))


@torch.no_grad()
def _near(examples: Examples, others: Examples, normaliser: Normaliser, kind: str) -> np.ndarray:
    """Return which examples, (N,) bool, hardly differ from the nearest of ``others``."""
    x, other = examples.x, others.x

    def whole(each: Tensor) -> Tensor:
        return _standardised(each) if kind == "image" else normaliser(each).flatten(1)

    if kind == "image":
        small, small_other = (_standardised(F.adaptive_avg_pool2d(each.float(), _SMALL)) for each in (x, other))
    else:
        small, small_other = (_projected(whole(each)) for each in (x, other))
    nearest = torch.cat([torch.cdist(chunk, small_other).argmin(1) for chunk in small.split(_CHUNK)])
    difference = whole(x) - whole(other[nearest])
    alike = IMAGES_ALIKE if kind == "image" else ROWS_ALIKE
    return (difference.square().mean(1).sqrt() < alike).numpy()


def _standardised(images: Tensor) -> Tensor:
    """Return images (N, C, H, W) flattened to (N, D), each with mean 0 and standard deviation 1, constant ones 0."""
    flat = images.flatten(1).float()
    flat = flat - flat.mean(1, keepdim=True)
    deviation = flat.std(1, correction=0, keepdim=True)
    return flat / torch.where(deviation < _FLAT, 1.0, deviation)


def _projected(rows: Tensor) -> Tensor:
    """Return rows (N, D) along at most 64 random directions, which nearly keep distances (Johnson & Lindenstrauss)."""
    if rows.shape[1] <= _DIRECTIONS:
        return rows
    generator = torch.Generator().manual_seed(derive_seed(0, "directions"))
    return rows @ torch.randn(rows.shape[1], _DIRECTIONS, generator=generator)
