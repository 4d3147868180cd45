"""Whether one small region of an image decides what a network answers, found by exchanging regions.

Saliency maps illustrate; an intervention tests. A window of one image, the donor, is pasted into another image for
which the network has another answer. Where many answers follow the donors, so small a window outweighs the
rest of the image: a shortcut (Geirhos et al. 2020, "Shortcut learning in deep neural networks").
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lit_tricks.functional.seeding import derive_seed

Answer = Callable[[Tensor], Tensor]
Window = tuple[int, int, int, int]

WINDOW = 0.3
MOST_PAIRS, LEAST_PAIRS, LEAST_DONORS = 256, 32, 8
# images that are answered once before any is changed, for each pair
POOL = 4
MOST_IMAGES = POOL * MOST_PAIRS
# three times a window's share of the image; clean MNIST and Fashion-MNIST stay below .12
FOLLOWED = 0.25
Z = 1.96


@dataclass(frozen=True)
class Intervention:
    """What exchanging windows between images did to a network's answers; shares in [0, 1].

    Attributes:
        region: top, left, height and width, in pixels, of the window that answers follow most.
        share_of_image: of the image's pixels that lie in it.
        followed: share of pairs whose answer becomes the donor's when the region is the donor's.
        followed_low, followed_high: its 95% interval (Wilson).
        elsewhere: the same share for the median window.
        removed: share of answers that change when the region is filled with the images' mean.
        acc, acc_removed: accuracy on the same images before and after that.
        pairs: pairs behind ``followed``, none of which took part in the search.
        windows: windows that were tried.
        found: whether ``followed_low`` is above .25.
        map: (H, W) share followed, averaged over the windows that cover a pixel.
    """

    region: Window
    share_of_image: float
    followed: float
    followed_low: float
    followed_high: float
    elsewhere: float
    removed: float
    acc: float
    acc_removed: float
    pairs: int
    windows: int
    found: bool
    map: np.ndarray

    def facts(self) -> dict[str, Any]:
        """Return everything but the map, ready for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "map"} | {"region": list(self.region)}


def exchange_windows(answer: Answer, images: Tensor, labels: Tensor, budget: int, seed: int) -> Intervention | None:
    """Return what the window that answers follow most does to them; None where nothing can be judged.

    Windows have .3 of the image's sides and overlap by half, so that what is at most half as large lies wholly in one
    of them. Half of the pairs choose the window, the other half measure it.

    Args:
        answer: images (B, C, H, W) as they come from the data → class indices (B,) ``int64``.
        images: (N, C, H, W), unseen in training, in random order; the first 1,024 are used.
        labels: (N,) ``int64``.
        budget: images that may be answered.
        seed: decides which images lend their windows.

    It is None when the budget allows fewer than 32 pairs, or the network has one answer to nearly all images.
    """
    windows = _windows(images.shape[-2:])
    pairs = min(MOST_PAIRS, len(images) // POOL, int(budget / (len(windows) / 2 + POOL + 2.5))) // 2 * 2
    if pairs < LEAST_PAIRS:
        return None
    generator = np.random.default_rng(derive_seed(seed, "exchange"))
    images, labels = images[: POOL * pairs], labels[: POOL * pairs]
    answers = answer(images)
    if len(answers) - int(torch.bincount(answers).max()) < LEAST_DONORS:
        return None
    donors = torch.tensor([int(generator.choice(torch.nonzero(answers != own)[:, 0])) for own in answers[:pairs]])
    searched, measured = slice(pairs // 2), slice(pairs // 2, pairs)

    def followed(window: Window, rows: slice) -> float:
        mixed = _filled(images[:pairs][rows], window, images[donors[rows]])
        return float((answer(mixed) == answers[donors[rows]]).double().mean())

    shares = [followed(window, searched) for window in windows]
    best = windows[int(np.argmax(shares))]
    share = followed(best, measured)
    low, high = _wilson(share, pairs // 2)
    mean = images.double().mean(0, keepdim=True).to(images.dtype)
    part = slice(2 * pairs)
    without = answer(_filled(images[part], best, mean))
    return Intervention(
        region=best,
        share_of_image=best[2] * best[3] / math.prod(images.shape[-2:]),
        followed=share,
        followed_low=low,
        followed_high=high,
        elsewhere=float(np.median(shares)),
        removed=float((without != answers[part]).double().mean()),
        acc=float((answers[part] == labels[part]).double().mean()),
        acc_removed=float((without == labels[part]).double().mean()),
        pairs=pairs // 2,
        windows=len(windows),
        found=low > FOLLOWED,
        map=_map(windows, shares, images.shape[-2:]),
    )


def _windows(size: tuple[int, ...]) -> list[Window]:
    sides = [max(1, round(WINDOW * side)) for side in size]
    steps = [
        np.linspace(0, whole - side, math.ceil((whole - side) / max(1, side // 2)) + 1).round().astype(int)
        for whole, side in zip(size, sides, strict=True)
    ]
    return [(int(top), int(left), sides[0], sides[1]) for top in steps[0] for left in steps[1]]


def _filled(images: Tensor, window: Window, content: Tensor) -> Tensor:
    """Return a copy of ``images`` whose ``window`` shows that of ``content``, (B or 1, C, H, W)."""
    top, left, height, width = window
    inside = (..., slice(top, top + height), slice(left, left + width))
    changed = images.clone()
    changed[inside] = content[inside]
    return changed


def _map(windows: list[Window], shares: list[float], size: tuple[int, ...]) -> np.ndarray:
    total, covering = np.zeros(size), np.zeros(size)
    for (top, left, height, width), share in zip(windows, shares, strict=True):
        total[top : top + height, left : left + width] += share
        covering[top : top + height, left : left + width] += 1
    return total / covering


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95% score interval of a share of ``count``."""
    centre = share + Z**2 / (2 * count)
    spread = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return (centre - spread) / (1 + Z**2 / count), (centre + spread) / (1 + Z**2 / count)
