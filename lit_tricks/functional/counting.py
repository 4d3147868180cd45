"""Rates from a confusion matrix."""

import torch
from torch import Tensor


def recall_per_class(confusion: Tensor) -> tuple[Tensor, Tensor]:
    """Return each class's recall and which classes are present.

    ``confusion`` is (K, K) counts, rows true, columns predicted. The first result is (K,) ``float64`` in
    [0, 1], 0 where a class has no example; the second (K,) ``bool`` says where it has some, so that
    ``recall[present].mean()`` is the balanced accuracy (Brodersen et al. 2010) over present classes.
    """
    support = confusion.sum(1)
    present = support > 0
    recall = confusion.diagonal().to(torch.float64) / support.clamp(min=1)
    return recall, present
