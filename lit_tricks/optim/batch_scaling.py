"""The learning rate that belongs to a batch size."""

import math
from typing import Any, Literal

from torch.optim import ASGD, SGD

Rule = Literal["none", "linear", "sqrt", "auto"]


def rate_factor(rule: Rule, batch_size: int, base_batch_size: int, optimizer: Any) -> float:
    """Return the factor by which a learning rate that suits ``base_batch_size`` is multiplied for ``batch_size``.

    A k times larger batch makes k times fewer steps an epoch, each along a gradient whose noise has a k times
    smaller variance. ``linear``, a factor of k, then takes SGD as far per epoch (Goyal et al. 2017, section 2.1);
    adaptive optimizers divide the gradient by its own size, noise included, for which ``sqrt``, √k, is right
    (Malladi et al. 2022). ``auto`` is linear where ``optimizer`` is SGD or ASGD and sqrt for all others, as in timm;
    ``none`` is 1. Batch sizes count the examples of one optimizer step, over all processes and accumulated batches.
    """
    if rule == "auto":
        rule = "linear" if isinstance(optimizer, type) and issubclass(optimizer, SGD | ASGD) else "sqrt"
    ratio = batch_size / base_batch_size
    return {"none": 1.0, "linear": ratio, "sqrt": math.sqrt(ratio)}[rule]
