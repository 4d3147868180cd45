"""One hidden and one output neuron that learn slowly from an unlucky start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.models import MLP
from lit_tricks.models.checks import whole_number
from lit_tricks.objectives import Objective
from lit_tricks.report.plateau import PlateauCurve, plateau_curves
from lit_tricks.studies.descent import MakeOptimizer
from lit_tricks.studies.study import Findings, Study, chosen, require_numbers


@dataclass(frozen=True)
class _Start:
    weights: list[float]
    biases: list[float]
    make_objective: Callable[..., Objective]

    def network(self) -> MLP:
        """Return the 1-1-1 network in ``float64``; its output is a drive, to which the objective adds the sigmoid."""
        network = MLP([1], 1, hidden=[1], activation="sigmoid").double()
        layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
        for layer, weight, bias in zip(layers, self.weights, self.biases, strict=True):
            nn.init.constant_(layer.weight, weight)
            nn.init.constant_(layer.bias, bias)
        return network

    def objective(self) -> Objective:
        """Return the loss of one output; raises ``UserError`` unless it puts a sigmoid on that."""
        objective = self.make_objective(num_classes=1)
        if objective.link != "sigmoid":
            raise UserError(
                f"study.curves.*.loss must put a sigmoid on its output; received {type(objective).__name__} with "
                f"{objective.link}: try mse or bce"
            )
        return objective

    def settings(self) -> str:
        """Return what distinguishes the start, for a legend."""
        loss = type(self.objective()).__name__
        weights, biases = (", ".join(f"{value:g}" for value in values) for values in (self.weights, self.biases))
        return f"{loss}, w = ({weights}), b = ({biases})"


@dataclass(kw_only=True)
class SlowLearning(Study):
    """A 1-1-1 sigmoid network learns to answer 0 to everything, from several starts or under several losses.

    A neuron's squared error has the factor σ'(z) in its gradient, which is nearly 0 where the neuron is most wrong;
    cross-entropy has not. Inputs are drawn from N(0, 1) once and seen in a new random order in every epoch, by all
    curves alike. The loss of an epoch is the mean over its batches as they were trained, which is what Keras records;
    that of epoch 0 is over all examples before training.

    Attributes:
        curves: by name: ``weights`` and ``biases``, of the hidden and the output neuron; ``loss``, a factory of an
            objective that takes ``num_classes``.
        only: the names that are shown; None for all.
        examples: how many inputs, at least 1.
        batch_size: examples of a step, at least 1.
        epochs: passes over the examples, at least 1.
        optimizer: a factory that takes the parameters.
    """

    curves: Mapping[str, Mapping[str, Any]]
    only: Sequence[str] | None = None
    examples: int
    batch_size: int
    epochs: int
    optimizer: MakeOptimizer

    def __post_init__(self) -> None:
        for knob in ("examples", "batch_size", "epochs"):
            whole_number(f"study.{knob}", getattr(self, knob), 100)
        self._starts = {
            name: _Start(
                require_numbers(f"curves.{name}.weights", part["weights"], 2, "[2,4]"),
                require_numbers(f"curves.{name}.biases", part["biases"], 2, "[3,5]"),
                part["loss"],
            )
            for name, part in chosen(self.curves, self.only, "curves").items()
        }

    def run(self, seed: int) -> Findings:
        """Train once for every curve."""
        curves = [
            PlateauCurve(name, start.settings(), *self._train(start, seed)) for name, start in self._starts.items()
        ]
        metrics: dict[str, float | int | None] = {}
        for curve in curves:
            metrics |= {
                f"{curve.name}/first_loss": float(curve.losses[0]),
                f"{curve.name}/loss": float(curve.losses[-1]),
                f"{curve.name}/epochs_to_half": curve.halved,
                f"{curve.name}/first_slope": float(curve.slopes[0]),
                f"{curve.name}/output": float(curve.outputs[-1]),
            }
        figure, sentence = plateau_curves(curves)
        return Findings(sentence, metrics, {"learning_curves": figure}, _rows(curves))

    def _train(self, start: _Start, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (epochs + 1,) loss, mean output and mean slope σ'(z) of the output neuron, epoch 0 before training."""
        inputs = torch.randn(self.examples, 1, dtype=torch.float64, generator=_stream(seed, "inputs"))
        order = _stream(seed, "order")
        network, objective = start.network(), start.objective()
        optimizer = self.optimizer(network.parameters())
        figures = [(_loss(network, objective, inputs).item(), *_state(network, inputs))]
        for _ in range(self.epochs):
            total = 0.0
            for batch in inputs[torch.randperm(self.examples, generator=order)].split(self.batch_size):

                def evaluate(batch: Tensor = batch) -> Tensor:
                    optimizer.zero_grad()
                    loss = _loss(network, objective, batch)
                    loss.backward()
                    return loss

                # every optimizer of torch takes the closure that some need, and returns its first loss
                first: Any = optimizer.step(evaluate)  # type: ignore[arg-type]
                total += first.item() * len(batch)
            figures.append((total / self.examples, *_state(network, inputs)))
        losses, outputs, slopes = np.array(figures).T
        return losses, outputs, slopes


def _stream(seed: int, word: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, "slow_learning", word))


def _loss(network: MLP, objective: Objective, inputs: Tensor) -> Tensor:
    return objective(network(inputs), torch.zeros_like(inputs))


@torch.no_grad()
def _state(network: MLP, inputs: Tensor) -> tuple[float, float]:
    output = network(inputs).sigmoid()
    return output.mean().item(), (output * (1 - output)).mean().item()


def _rows(curves: Sequence[PlateauCurve]) -> list[dict[str, float | int]]:
    rows: list[dict[str, float | int]] = []
    for epoch in range(len(curves[0].losses)):
        row: dict[str, float | int] = {"epoch": epoch}
        for curve in curves:
            row |= {
                f"{curve.name}/loss": float(curve.losses[epoch]),
                f"{curve.name}/output": float(curve.outputs[epoch]),
                f"{curve.name}/slope": float(curve.slopes[epoch]),
            }
        rows.append(row)
    return rows
