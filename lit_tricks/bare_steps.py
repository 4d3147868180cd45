"""A backward pass and an optimizer step without what torch wraps around them for debugging.

On small networks the wrappers are a good part of a step: around the backward pass torch looks for debug logging and
makes its own gradient of the loss, around the step it adds a label for its profiler.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer, optimizer


def bare_backward() -> Callable[[Tensor], None]:
    """Return what accumulates the gradients of a scalar loss, as ``Tensor.backward()`` does."""
    engine = getattr(torch.autograd.Variable, "_execution_engine", None)
    if engine is None:
        return lambda loss: loss.backward()
    ones: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def backward(loss: Tensor) -> None:
        key = loss.dtype, loss.device
        if key not in ones:
            ones[key] = torch.ones_like(loss)
        engine.run_backward((loss,), (ones[key],), False, False, (), allow_unreachable=True, accumulate_grad=True)

    return backward


def bare_step(taken: Optimizer) -> Callable[[], Any]:
    """Return what takes a step of an optimizer, without torch's label where no hook and no schedule relies on it."""
    step = type(taken).step
    watched: list[Any] = [
        taken._optimizer_step_pre_hooks,
        taken._optimizer_step_post_hooks,
        optimizer._global_optimizer_pre_hooks,
        optimizer._global_optimizer_post_hooks,
    ]
    # a schedule puts its own step on the instance, to see that steps are taken before it
    if not getattr(step, "hooked", False) or "step" in vars(taken) or any(watched):
        return taken.step
    return partial(step.__wrapped__, taken)  # type: ignore[attr-defined]
