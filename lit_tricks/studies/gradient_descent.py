"""Gradient descent on functions of one variable, by automatic differentiation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lit_tricks.errors import UserError
from lit_tricks.models.checks import whole_number
from lit_tricks.report.slopes import SlopePanel, SlopePath, descents_on_curves
from lit_tricks.studies.descent import Descent, MakeOptimizer, descend
from lit_tricks.studies.expression import Expression
from lit_tricks.studies.study import Findings, Study, chosen, require_numbers

GRID = 1001
# a slope this small counts as level ground
LEVEL = 1e-3
# the step of a central difference that loses least in float64: the cube root of its resolution
NUDGE = float(np.finfo(np.float64).eps ** (1 / 3))


@dataclass(frozen=True)
class _Walk:
    function: Expression
    starts: list[float]
    interval: list[float]
    make_optimizer: MakeOptimizer

    def value(self, point: Tensor) -> Tensor:
        """Return the function at ``point`` (1,), a scalar."""
        return self.function(point[0])


@dataclass(kw_only=True)
class GradientDescent(Study):
    """An optimizer goes down functions of x, whose derivatives torch computes; curve, derivative and path are drawn.

    The derivative is held against central differences over the interval that is drawn.

    Attributes:
        steps: steps of each descent, at least 1.
        descents: by name: ``function``, text as ``Expression`` reads it; ``start``, one x or a list of them;
            ``interval``, the lowest and highest x drawn; ``optimizer``, a factory that takes the parameters.
        only: the names that are shown; None for all.
    """

    steps: int
    descents: Mapping[str, Mapping[str, Any]]
    only: Sequence[str] | None = None

    def __post_init__(self) -> None:
        self.steps = whole_number("study.steps", self.steps, 50)
        parts = chosen(self.descents, self.only, "descents")
        self._walks = {name: _walk(name, part) for name, part in parts.items()}

    def run(self, seed: int) -> Findings:
        """Go down from every start."""
        metrics: dict[str, float | int | None] = {}
        panels: list[SlopePanel] = []
        named: dict[str, Descent] = {}
        for name, walk in self._walks.items():
            panel, error = _curve(walk)
            for number, start in enumerate(walk.starts, 1):
                path = descend(walk.value, [start], walk.make_optimizer, self.steps)
                key = name if len(walk.starts) == 1 else f"{name}_{number}"
                named[key] = path
                panel.paths.append(SlopePath(path.points[:, 0], path.values, path.gradients[:, 0], path.diverged))
                metrics |= _ending(key, path)
            metrics[f"{name}/derivative_error"] = error
            panels.append(panel)
        figure, sentence = descents_on_curves(panels)
        return Findings(sentence, metrics, {"descents": figure}, _rows(named, self.steps))


def _walk(name: str, part: Mapping[str, Any]) -> _Walk:
    place = f"descents.{name}"
    start = part["start"]
    starts = require_numbers(f"{place}.start", start if isinstance(start, Sequence) else [start], None, "[1,2]")
    interval = require_numbers(f"{place}.interval", part["interval"], 2, "[-3,6]")
    if interval[0] >= interval[1]:
        raise UserError(f"study.{place}.interval must rise; received {interval}: swap its ends")
    return _Walk(Expression(part["function"]), starts, interval, part["optimizer"])


def _curve(walk: _Walk) -> tuple[SlopePanel, float]:
    """Return the curve with its derivative, and the largest difference of that from central differences."""
    x = torch.linspace(walk.interval[0], walk.interval[1], GRID, dtype=torch.float64, requires_grad=True)
    values = walk.function(x)
    (slopes,) = torch.autograd.grad(values.sum(), x)
    with torch.no_grad():
        differences = (walk.function(x + NUDGE) - walk.function(x - NUDGE)) / (2 * NUDGE)
    error = (slopes - differences).abs()
    panel = SlopePanel(walk.function.shown, x.detach().numpy(), values.detach().numpy(), slopes.numpy(), [])
    return panel, float(error[error.isfinite()].max()) if bool(error.isfinite().any()) else float("nan")


def _ending(key: str, path: Descent) -> dict[str, float | int | None]:
    level = np.flatnonzero(path.slopes < LEVEL)
    ended = not path.diverged
    return {
        f"{key}/x": float(path.points[-1, 0]) if ended else None,
        f"{key}/value": float(path.values[-1]) if ended else None,
        f"{key}/slope": float(path.slopes[-1]) if ended else None,
        f"{key}/level_after": int(level[0]) if len(level) else None,
    }


def _rows(named: Mapping[str, Descent], steps: int) -> list[dict[str, float | int]]:
    rows: list[dict[str, float | int]] = []
    for step in range(steps + 1):
        row: dict[str, float | int] = {"step": step}
        for name, path in named.items():
            if step < len(path.points):
                row |= {f"{name}/x": float(path.points[step, 0]), f"{name}/value": float(path.values[step])}
                row[f"{name}/slope"] = float(path.slopes[step])
        rows.append(row)
    return rows
