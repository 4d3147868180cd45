"""A dense network drawn and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models.checks import network_shape
from lit_tricks.models.summary import dense_layers
from lit_tricks.report.network_diagram import count_sentence, network_diagram
from lit_tricks.studies.study import Findings, Study


@dataclass(kw_only=True)
class NetworkDiagram(Study):
    """A dense network as a diagram, with the table of its layers and its numbers of weights and biases.

    Attributes:
        input_shape: of one example.
        num_classes: number of outputs, at least 1.
        model: a factory that takes ``input_shape`` and ``num_classes``.
    """

    input_shape: Sequence[int]
    num_classes: int
    model: Callable[..., nn.Module]

    def __post_init__(self) -> None:
        if not self.input_shape:
            raise UserError(
                "study.input_shape must have at least one dimension; received []: try study.input_shape=[784]"
            )
        self.input_shape = network_shape(self.input_shape, self.num_classes)

    def run(self, seed: int) -> Findings:
        """Build the network and count. Raises ``UserError`` for one that is not dense."""
        layers = dense_layers(self.model(input_shape=self.input_shape, num_classes=self.num_classes))
        if layers is None:
            raise UserError("study.model must be a dense network, of linear layers in a row: try model=mlp")
        linear = [layer for layer in layers if layer["kind"] == "Linear"]
        names = [*(f"hidden_{number}" for number in range(1, len(linear))), "output"]
        metrics: dict[str, float | int | None] = {}
        for name, layer in zip(names, linear, strict=True):
            metrics |= {f"{name}/units": layer["units"]}
            metrics |= {f"{name}/weights": layer["weights"], f"{name}/biases": layer["biases"]}
            metrics |= {f"{name}/parameters": layer["weights"] + layer["biases"]}
        weights, biases = (sum(layer[kind] for layer in layers) for kind in ("weights", "biases"))
        metrics |= {"network/weights": weights, "network/biases": biases, "network/parameters": weights + biases}
        return Findings(
            count_sentence(layers),
            metrics,
            {"network": network_diagram(layers)},
            facts={"layers": layers, "n_params": weights + biases},
        )
