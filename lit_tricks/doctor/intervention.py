"""Whether one small region of an image decides what a network answers, found by exchanging regions.

Saliency maps illustrate; an intervention tests. A window of one image, the donor, is pasted into another image for
which the network has another answer. Where many answers follow the donors, so small a window outweighs the
rest of the image: a shortcut (Geirhos et al. 2020, "Shortcut learning in deep neural networks").

That much can be true of an object as well: 4 and 9 differ in one place. What sets a cue apart is that no other
window has a say, and that its content alone gives nearly every answer, even to a linear classifier. A cue that
only some of the images carry does not stand out like this, nor one of which little use is made, nor two at once.
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
MOST_PAIRS, LEAST_PAIRS, LEAST_EXAMPLES = 256, 64, 8
# images that are answered once before any is changed, at most, for each pair
POOL = 4
MOST_IMAGES = POOL * MOST_PAIRS
# twice a window's share of the image
FOLLOWED = 0.2
# Clean data reach either, bags and boots .02 and .951, zeros and ones .10 and .994, but not both; of cues in all
# images the weakest had .04 and .976.
ELSEWHERE, ALONE = 1 / 20, 0.97
RIDGE = 0.1
Z = 1.96
# values that are converted at a time
_PIECE = 2**20


@dataclass(frozen=True)
class Intervention:
    """What exchanging windows between images did to a network's answers; shares in [0, 1].

    Attributes:
        region: top, left, height and width, in pixels, of the window that answers follow most.
        share_of_image: of the image's pixels that lie in it.
        followed: share of pairs whose answer becomes the donor's when the region is the donor's.
        followed_low, followed_high: its 95% interval (Wilson).
        elsewhere: the largest such share of a window that has no pixel in common with the region.
        alone: mean recall of the network's answers by a linear discriminant that sees nothing but the region.
        removed: share of answers that change when the region is filled with the images' mean.
        acc, acc_removed: accuracy on the same images before and after that.
        pairs: pairs behind ``followed``, none of which took part in the search.
        windows: windows that were tried.
        found: whether ``followed_low`` is above .2, ``elsewhere`` below a twentieth of ``followed`` and ``alone`` at
            least .97.
        map: (H, W) share followed, averaged over the windows that cover a pixel.
    """

    region: Window
    share_of_image: float
    followed: float
    followed_low: float
    followed_high: float
    elsewhere: float
    alone: float
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

    It is None when images or budget allow fewer than 64 pairs, or the network has one answer to nearly all images.
    """
    windows = _windows(images.shape[-2:])
    pairs = min(MOST_PAIRS, len(images) // 2, int(budget / (len(windows) / 2 + POOL + 3))) // 2 * 2
    if pairs < LEAST_PAIRS:
        return None
    generator = np.random.default_rng(derive_seed(seed, "exchange"))
    images, labels = images[: POOL * pairs], labels[: POOL * pairs]
    answers = answer(images)
    if len(answers) - int(torch.bincount(answers).max()) < LEAST_EXAMPLES:
        return None
    donors = torch.tensor([int(generator.choice(torch.nonzero(answers != own)[:, 0])) for own in answers[:pairs]])
    searched, measured = slice(pairs // 2), slice(pairs // 2, pairs)

    def followed(window: Window, rows: slice) -> float:
        mixed = _filled(images[:pairs][rows], window, images[donors[rows]])
        return float((answer(mixed) == answers[donors[rows]]).double().mean())

    shares = [followed(window, searched) for window in windows]
    best = int(np.argmax(shares))
    region = windows[best]
    share = followed(region, measured)
    low, high = _wilson(share, pairs // 2)
    apart = [place for place, window in enumerate(windows) if not _overlap(window, region)]
    rival = max(apart, key=lambda place: shares[place], default=None)
    elsewhere = 0.0 if rival is None else (shares[rival] + followed(windows[rival], measured)) / 2
    alone = _mean_recall(_answers_to(_content(images, region), answers), answers)
    part = slice(2 * pairs)
    without = answer(_filled(images[part], region, _mean(images)))
    return Intervention(
        region=region,
        share_of_image=region[2] * region[3] / math.prod(images.shape[-2:]),
        followed=share,
        followed_low=low,
        followed_high=high,
        elsewhere=elsewhere,
        alone=alone,
        removed=float((without != answers[part]).double().mean()),
        acc=float((answers[part] == labels[part]).double().mean()),
        acc_removed=float((without == labels[part]).double().mean()),
        pairs=pairs // 2,
        windows=len(windows),
        found=low > FOLLOWED and elsewhere < ELSEWHERE * share and alone >= ALONE,
        map=_map(windows, shares, images.shape[-2:]),
    )


def _windows(size: tuple[int, ...]) -> list[Window]:
    sides = [max(1, round(WINDOW * side)) for side in size]
    steps = [
        np.linspace(0, whole - side, math.ceil((whole - side) / max(1, side // 2)) + 1).round().astype(int)
        for whole, side in zip(size, sides, strict=True)
    ]
    return [(int(top), int(left), sides[0], sides[1]) for top in steps[0] for left in steps[1]]


def _overlap(one: Window, other: Window) -> bool:
    return abs(one[0] - other[0]) < one[2] and abs(one[1] - other[1]) < one[3]


def _inside(window: Window) -> tuple[Any, ...]:
    top, left, height, width = window
    return (..., slice(top, top + height), slice(left, left + width))


def _content(images: Tensor, window: Window) -> Tensor:
    """Return what ``images`` show in the window, (N, values) ``float32``."""
    return images[_inside(window)].flatten(1).to(torch.float32)


def _mean(images: Tensor) -> Tensor:
    """Return the mean image, (1, C, H, W), without converting all images at once."""
    pieces = images.split(max(1, _PIECE // images[0].numel()))
    total = sum(piece.sum(0, keepdim=True, dtype=torch.float64) for piece in pieces)
    return (total / len(images)).to(images.dtype)


def _answers_to(x: Tensor, answers: Tensor) -> Tensor:
    """Return the answers (N,) that a linear discriminant fitted to one half of ``x``, (N, values), gives the other.

    Linear discriminant analysis (Hastie et al. 2009, equation 4.10) with a little of the variance added to all
    directions. The covariance is inverted by Woodbury's identity, so that the system to solve has the size of the
    examples, however many values each has.
    """
    given = torch.nn.functional.one_hot(answers).double()
    half = len(x) // 2
    parts = []
    for known, fresh in ((slice(half, None), slice(None, half)), (slice(None, half), slice(half, None))):
        values, members = x[known].double(), given[known]
        counts = members.sum(0)
        means = members.T @ values / counts.clamp(min=1)[:, None]
        within = values - members @ means
        ridge = RIDGE * (values - values.mean(0)).square().sum() / len(values)
        ridge = ridge.clamp(min=torch.finfo(torch.float32).tiny)
        system = within @ within.T + ridge * torch.eye(len(within), dtype=torch.float64)
        # equation 4.10's Σ⁻¹ μ of every answer
        slopes = (means - torch.linalg.solve(system, within @ means.T).T @ within) / ridge * len(within)
        offsets = (counts / len(within)).log() - (slopes * means).sum(1) / 2
        parts.append(x[fresh].double() @ slopes.T + offsets)
    return torch.cat(parts).argmax(1)


def _mean_recall(guesses: Tensor, answers: Tensor) -> float:
    """Return the mean over all answers that at least 8 images have of the share that is guessed."""
    frequent = torch.nonzero(torch.bincount(answers) >= LEAST_EXAMPLES)[:, 0]
    return float(torch.stack([(guesses[answers == one] == one).double().mean() for one in frequent]).mean())


def _filled(images: Tensor, window: Window, content: Tensor) -> Tensor:
    """Return a copy of ``images`` whose ``window`` shows that of ``content``, (B or 1, C, H, W)."""
    inside = _inside(window)
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
