"""Activation functions with their derivatives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lit_tricks.errors import UserError
from lit_tricks.models import ACTIVATIONS, make_activation
from lit_tricks.models.checks import known_word
from lit_tricks.report.activations import ActivationCurve, activation_grid
from lit_tricks.studies.study import Findings, Study, require_reach

SOFTMAX = "softmax"
WORDS = (*ACTIVATIONS, SOFTMAX)
POINTS = 601
# a slope this small lets hardly any gradient through
FLAT = 0.01


@dataclass(kw_only=True)
class ActivationCurves(Study):
    """Each activation's output and derivative against the drive z, the derivative by automatic differentiation.

    A softmax has one output for each of several drives: here its first output, and the derivative of that, against
    the first of ``softmax_drives`` drives, the others being 0.

    Attributes:
        activations: words of ``model.activation``, and ``softmax``; no two alike.
        reach: drives from -``reach`` to ``reach`` are shown, in (0, 100].
        softmax_drives: how many drives the softmax has, at least 2.
    """

    activations: Sequence[str]
    reach: float
    softmax_drives: int

    def __post_init__(self) -> None:
        require_reach(self.reach)
        words = list(self.activations)
        for word in words:
            known_word("study.activations", word, WORDS)
        if not words or len(set(words)) < len(words):
            raise UserError(
                f"study.activations must name at least one activation, each once; received {words}: "
                "try study.activations=[relu,tanh]"
            )
        if not isinstance(self.softmax_drives, int) or self.softmax_drives < 2:
            raise UserError(
                f"study.softmax_drives must be a whole number of at least 2; received {self.softmax_drives}: "
                "try study.softmax_drives=3"
            )

    def run(self, seed: int) -> Findings:
        """Look at every activation."""
        drives = torch.linspace(-self.reach, self.reach, POINTS, dtype=torch.float64)
        curves: list[ActivationCurve] = []
        metrics: dict[str, float | int | None] = {}
        rows: list[dict[str, float | int]] = [{"drive": drive} for drive in drives.tolist()]
        for word in self.activations:
            outputs, slopes = with_derivative(self._function(word), drives)
            flat = float((slopes.abs() < FLAT).double().mean())
            curves.append(ActivationCurve(word, outputs.numpy(), slopes.numpy(), flat))
            metrics |= {
                f"{word}/largest_slope": float(slopes.max()),
                f"{word}/slope_at_0": float(slopes[POINTS // 2]),
                f"{word}/flat_share": flat,
            }
            for row, output, slope in zip(rows, outputs.tolist(), slopes.tolist(), strict=True):
                row |= {f"{word}/output": output, f"{word}/slope": slope}
        figure, sentence = activation_grid(drives.numpy(), curves, FLAT)
        return Findings(sentence, metrics, {"activations": figure}, rows)

    def _function(self, word: str) -> Callable[[Tensor], Tensor]:
        if word != SOFTMAX:
            return make_activation(word)

        def first_output(drives: Tensor) -> Tensor:
            others = torch.zeros(len(drives), self.softmax_drives - 1, dtype=drives.dtype)
            return torch.cat([drives[:, None], others], 1).softmax(1)[:, 0]

        return first_output


def with_derivative(function: Callable[[Tensor], Tensor], drives: Tensor) -> tuple[Tensor, Tensor]:
    """Return (N,) the outputs of an element-wise ``function`` at ``drives`` (N,) and their derivatives."""
    inputs = drives.clone().requires_grad_()
    outputs = function(inputs)
    (slopes,) = torch.autograd.grad(outputs.sum(), inputs)
    return outputs.detach(), slopes
