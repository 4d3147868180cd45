"""An optimizer's path over a function, by automatic differentiation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from lit_tricks.errors import UserError
from lit_tricks.optim import Schedule, TrainingPlan

Function = Callable[[Tensor], Tensor]
MakeOptimizer = Callable[..., Optimizer]

LARGEST = torch.finfo(torch.float32).max


@dataclass(frozen=True)
class Descent:
    """Where an optimizer went, as far as everything fits into ``float32``, in which networks are trained.

    Attributes:
        points: (S + 1, D) ``float64``, the start first.
        values: (S + 1,) the function there.
        gradients: (S + 1, D) its gradient there.
        rates: (S,) the learning rate of each step.
        diverged: whether the path left what fits, before the steps were done.
        optimizer: what took the steps, with its momentum.
    """

    points: np.ndarray
    values: np.ndarray
    gradients: np.ndarray
    rates: np.ndarray
    diverged: bool
    optimizer: str

    @property
    def steps(self) -> int:
        """Steps that were taken."""
        return len(self.rates)

    @property
    def slopes(self) -> np.ndarray:
        """(S + 1,) the Euclidean norm of each gradient."""
        return np.linalg.norm(self.gradients, axis=1)

    def distances(self, minimum: Sequence[float]) -> np.ndarray:
        """Return (S + 1,) the Euclidean distance of each point from ``minimum``."""
        return np.linalg.norm(self.points - np.asarray(minimum), axis=1)

    def settings(self) -> str:
        """Return the optimizer with its rate, or the first and the last one, for a picture's caption."""
        if not self.steps:
            return self.optimizer
        first, last = f"{self.rates[0]:.3g}", f"{self.rates[-1]:.3g}"
        return f"{self.optimizer}, rate {first}" + ("" if first == last else f" to {last}")


def descend(
    function: Function,
    start: Sequence[float],
    make_optimizer: MakeOptimizer,
    steps: int,
    schedule: Schedule | None = None,
) -> Descent:
    """Follow ``make_optimizer``'s optimizer for ``steps`` steps from ``start`` over ``function``, in ``float64``.

    ``function`` maps a point (D,) to a scalar. A ``schedule`` counts each step as a step and as an epoch.
    Raises ``UserError`` where the function or its gradient has no finite value at ``start``.
    """
    point = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make_optimizer([point])
    attached = None if schedule is None else schedule(optimizer, TrainingPlan(steps, 1, steps))
    seen: list[tuple[Tensor, Tensor]] = []

    def evaluate() -> Tensor:
        value = function(point)
        (point.grad,) = torch.autograd.grad(value, point)
        seen.append((value.detach(), point.grad.clone()))
        return value.detach()

    points, values, gradients, rates = [], [], [], []
    diverged = False
    for step in range(steps + 1):
        here = point.detach().clone()
        rate = optimizer.param_groups[0]["lr"]
        seen.clear()
        # every optimizer of torch takes the closure that some, such as L-BFGS, call more than once
        optimizer.step(evaluate) if step < steps else evaluate()  # type: ignore[arg-type]
        value, gradient = seen[0]
        diverged = not _fits(here, value, gradient)
        if diverged:
            break
        points.append(here.numpy())
        values.append(value.item())
        gradients.append(gradient.numpy())
        if step < steps:
            rates.append(rate)
            _advance(attached, value)
    if not points:
        raise UserError(
            f"a descent must start where the function and its slope are finite; received start={list(start)}: "
            "try one nearer to 0"
        )
    return Descent(
        np.array(points),
        np.array(values),
        np.array(gradients),
        np.array(rates[: len(points) - 1]),
        diverged,
        _name(optimizer),
    )


def _name(optimizer: Optimizer) -> str:
    momentum = optimizer.defaults.get("momentum")
    kind = "Nesterov" if optimizer.defaults.get("nesterov") else "momentum"
    return type(optimizer).__name__ + (f", {kind} {momentum:g}" if momentum else "")


def _fits(*tensors: Tensor) -> bool:
    return all(bool((tensor.abs() <= LARGEST).all()) for tensor in tensors)


def _advance(attached: Mapping[str, Any] | None, value: Tensor) -> None:
    if attached is not None and attached["monitor"]:
        attached["scheduler"].step(value)
    elif attached is not None:
        attached["scheduler"].step()
