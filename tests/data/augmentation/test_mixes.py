"""MixUp and CutMix: what is mixed with what, and that classes follow the inputs."""

import numpy as np
import pytest
import torch

from lit_tricks.data.augmentation import Augmentation, CutMix, MixUp
from lit_tricks.errors import UserError

CLASSES = 100


def marked(size: int, *shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return examples whose every value is their number, and as many classes."""
    numbers = torch.arange(size)
    return numbers.float().view(-1, *[1] * len(shape)).expand(size, *shape), numbers


@pytest.mark.parametrize("shape", [(4,), (1, 5, 6)])
def test_mixup_mixes_classes_as_it_mixes_inputs(shape: tuple[int, ...]) -> None:
    x, y = marked(CLASSES, *shape)
    mixed, shares = Augmentation({"mixup": MixUp(CLASSES, alpha=1.0)})(x, y, [60, 40], 0, 0)
    assert torch.allclose(mixed.flatten(1), (shares @ y.float()).view(-1, 1).expand(-1, mixed[0].numel()), atol=1e-3)
    assert torch.equal(shares.sum(1), torch.ones(CLASSES))
    assert (shares > 0).sum(1).max() == 2
    own = shares[y, y]
    assert own.min() >= 0.5
    assert len(own.unique()) > 90, "every example has a weight of its own"
    # partners come from the same batch, each example once
    assert shares[:60, 60:].sum() == shares[60:, :60].sum() == 0
    partners = shares.clone()
    partners[y, y] = 0
    partners = partners.argmax(1)[partners.sum(1) > 0]
    assert len(partners.unique()) == len(partners) > 90


def test_mixups_weights_are_beta_distributed() -> None:
    own, _ = MixUp(2, alpha=0.4).draw(40_000, np.random.default_rng(0))
    # Var of Beta(a, a) is 1 / (4 (2 a + 1)); taking the larger of λ and 1 - λ leaves (λ - 1/2)² alone
    assert np.square(own - 0.5).mean() == pytest.approx(1 / (4 * 1.8), rel=0.02)


def test_cutmixs_classes_are_the_shares_of_the_pixels() -> None:
    x, y = marked(CLASSES, 3, 9, 13)
    mixed, shares = Augmentation({"cutmix": CutMix((3, 9, 13), CLASSES, p=1.0)})(x, y, [CLASSES], 0, 0)
    for image, row in zip(mixed, shares, strict=True):
        assert torch.equal(image[0], image[1])
        counted = torch.bincount(image[0].flatten().long(), minlength=CLASSES) / (9 * 13)
        assert torch.allclose(row, counted, atol=1e-6)
    assert (shares.max(1).values < 1).float().mean() > 0.8
    assert torch.allclose(shares.sum(1), torch.ones(CLASSES), atol=1e-6)


@pytest.mark.parametrize("mix", [MixUp(CLASSES, alpha=1.0, p=0.25), CutMix((1, 8, 8), CLASSES, p=0.25)])
def test_the_chance_is_kept_for_each_example(mix: MixUp) -> None:
    x, y = marked(CLASSES, 1, 8, 8)
    share = []
    for batch in range(40):
        mixed, shares = Augmentation({"mix": mix})(x, y, [CLASSES], 0, batch)
        pure = shares[y, y] == 1
        assert torch.equal(mixed[pure], x[pure])
        share.append(1 - pure.float().mean())
    # some patches are empty, and some partners oneself
    assert 0.18 < torch.stack(share).mean() < 0.27


def test_mixes_of_mixes_stay_distributions() -> None:
    x, y = marked(CLASSES, 1, 8, 8)
    steps = {"cutmix": CutMix((1, 8, 8), CLASSES, p=1.0), "mixup": MixUp(CLASSES, alpha=1.0)}
    mixed, shares = Augmentation(steps)(x, y, [CLASSES], 0, 0)
    assert (shares > 0).sum(1).max() == 4
    assert torch.allclose(shares.sum(1), torch.ones(CLASSES), atol=1e-6)
    assert torch.allclose(mixed.mean((1, 2, 3)), shares @ y.float(), atol=1e-3)


def test_neutral_values_and_mistakes() -> None:
    for neutral in (MixUp(3, alpha=0.0), MixUp(3, p=0.0), CutMix((1, 8, 8), 3, alpha=0), CutMix((1, 8, 8), 3, p=0)):
        assert neutral.neutral
    for alpha in (-0.1, float("inf"), float("nan")):
        with pytest.raises(UserError, match=r"mixup\.alpha must be at least 0.*try augmentation\.mixup\.alpha=0\.2"):
            MixUp(3, alpha=alpha)
    with pytest.raises(UserError, match=r"cutmix\.p must lie in \[0, 1\]; received 2"):
        CutMix((1, 8, 8), 3, p=2)
    with pytest.raises(UserError, match=r"cutmix changes images.*try augmentation=mixup"):
        CutMix((30,), 3)
