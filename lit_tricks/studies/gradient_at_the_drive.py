"""What each loss pulls with at a neuron's drive: measured by automatic differentiation, held against the formula."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lit_tricks.errors import UserError
from lit_tricks.models.checks import whole_number
from lit_tricks.objectives import BinaryCrossEntropy, Objective, SquaredError
from lit_tricks.report.pulls import Pull, pulls_at_the_drive
from lit_tricks.studies.study import Findings, Study, chosen, require_reach

POINTS = 161
SIGMOIDS = "(y - t) \N{GREEK SMALL LETTER SIGMA}'(z)"


@dataclass(kw_only=True)
class GradientAtTheDrive(Study):
    """The gradient of each objective at the first output's drive z, the other drives being 0, for the targets 0 and 1.

    For cross-entropy with a sigmoid or softmax it is y − t, for a squared error of sigmoids (y − t) σ′(z), which
    vanishes where the neuron is most wrong. Objectives that average over the outputs have their factor in both.

    Attributes:
        objectives: by name: ``loss``, a factory of an objective that takes ``num_classes``.
        only: the names that are shown; None for all.
        classes: K, the number of outputs, at least 2.
        reach: drives from -``reach`` to ``reach`` are shown, in (0, 100].
    """

    objectives: Mapping[str, Mapping[str, Callable[..., Objective]]]
    only: Sequence[str] | None = None
    classes: int
    reach: float

    def __post_init__(self) -> None:
        whole_number("study.classes", self.classes, 2)
        if self.classes < 2:
            raise UserError(f"study.classes must be at least 2; received {self.classes}: try study.classes=2")
        require_reach(self.reach)
        self._parts = chosen(self.objectives, self.only, "objectives")

    def run(self, seed: int) -> Findings:
        """Measure every objective."""
        drives = torch.linspace(-self.reach, self.reach, POINTS, dtype=torch.float64)
        pulls: list[Pull] = []
        metrics: dict[str, float | int | None] = {}
        rows: list[dict[str, Any]] = [{"drive": drive} for drive in drives.tolist()]
        for name, part in self._parts.items():
            objective = part["loss"](num_classes=self.classes)
            measured = {target: gradient_at_drive(objective, drives, target) for target in (0, 1)}
            formula = {target: formula_at_drive(objective, drives, target) for target in (0, 1)}
            pulls.append(Pull(name, describe(objective), *_arrays(measured), *_arrays(formula)))
            difference = max(float((measured[target] - formula[target]).abs().max()) for target in (0, 1))
            metrics |= {
                f"{name}/difference": difference,
                f"{name}/most_wrong": float(measured[0][-1]),
                f"{name}/undecided": float(measured[0][POINTS // 2]),
            }
            for target in (0, 1):
                for row, one, other in zip(rows, measured[target].tolist(), formula[target].tolist(), strict=True):
                    row |= {f"{name}/target_{target}": one, f"{name}/formula_{target}": other}
        figure, sentence = pulls_at_the_drive(drives.numpy(), pulls)
        return Findings(sentence, metrics, {"gradient_at_the_drive": figure}, rows)


def gradient_at_drive(objective: Objective, drives: Tensor, target: int) -> Tensor:
    """Return (N,) the gradient of ``objective`` at the first output's drive, by automatic differentiation.

    ``drives`` (N,) are that output's; those of the others are 0. ``target`` 1 is the first class, 0 the second.
    """
    logits, shares = _outputs(objective.num_classes, drives, target)
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(objective.per_example(logits, shares).sum(), logits)
    return gradient[:, 0]


def formula_at_drive(objective: Objective, drives: Tensor, target: int) -> Tensor:
    """Return (N,) what calculus says ``gradient_at_drive`` is, in terms of the outputs y, the targets t and z."""
    logits, t = _outputs(objective.num_classes, drives, target)
    t = t * (1 - objective.label_smoothing) + objective.label_smoothing / objective.num_classes
    if objective.link == "sigmoid":
        y = 1 / (1 + torch.exp(-logits))
    else:
        y = torch.exp(logits) / torch.exp(logits).sum(1, keepdim=True) if objective.link == "softmax" else logits
    pull = y - t
    if isinstance(objective, SquaredError):
        if objective.output == "sigmoid":
            pull = pull * y * (1 - y)
        elif objective.output == "softmax":
            pull = y * (pull - (pull * y).sum(1, keepdim=True))
        pull = pull if objective.reduction == "half_sum" else pull * 2 / objective.num_classes
    elif isinstance(objective, BinaryCrossEntropy) and objective.over_outputs == "mean":
        pull = pull / objective.num_classes
    return pull[:, 0]


def describe(objective: Objective) -> str:
    """Return the formula of the gradient at the drive in words, without a constant factor."""
    if isinstance(objective, SquaredError) and objective.output != "identity":
        return SIGMOIDS if objective.output == "sigmoid" else "y·((y - t) - Σ y·(y - t))"
    return "y - t"


def _outputs(classes: int, drives: Tensor, target: int) -> tuple[Tensor, Tensor]:
    logits, shares = torch.zeros(2, len(drives), classes, dtype=drives.dtype)
    logits[:, 0] = drives
    shares[:, 0 if target else 1] = 1
    return logits, shares


def _arrays(by_target: Mapping[int, Tensor]) -> tuple[Any, Any]:
    return by_target[0].numpy(), by_target[1].numpy()
