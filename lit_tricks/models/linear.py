"""The linear model."""

from collections.abc import Sequence

from lit_tricks.models.mlp import MLP


class Linear(MLP):
    """Logits (B, num_classes) as a linear map of the flattened input (B, *input_shape).

    With the cross-entropy it is logistic regression. ``bias=False`` forces every boundary through the origin;
    ``single_output=True`` is a single neuron, see ``MLP``.
    """

    def __init__(
        self, input_shape: Sequence[int], num_classes: int, bias: bool = True, single_output: bool = False
    ) -> None:
        super().__init__(input_shape, num_classes, hidden=(), bias=bias, single_output=single_output)
