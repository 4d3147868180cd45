"""What is asked of a network and its objective before training: whether they fit, and what the loss will mean."""

from typing import Any

import torch
from torch import Tensor, nn

from lit_tricks.errors import UserError
from lit_tricks.objectives.base import Objective

_PROBABILITY_MODULES = (nn.Softmax, nn.LogSoftmax, nn.Softmax2d, nn.Sigmoid, nn.LogSigmoid)
_TRANSPARENT_MODULES = (nn.Identity, nn.Dropout, nn.Flatten, nn.Unflatten)


def refuse_double_activation(network: nn.Module, objective: Objective, inputs: Tensor | None = None) -> None:
    """Raise ``UserError`` when ``network`` already applies the output activation that ``objective`` applies.

    With ``inputs``, a batch (B, *input_shape) as the network receives it, the network runs once in eval mode and
    is judged by the module that computed its output and by the output itself (``check_outputs``). Without, only by
    structure: the last module of nested ``nn.Sequential`` and one-child wrappers; the order in which other modules
    list their children says nothing.
    """
    last, outputs = (_last_in_sequence(network), None) if inputs is None else _run(network, inputs)
    if objective.link != "identity" and isinstance(last, _PROBABILITY_MODULES):
        raise UserError(_double_activation(f"the network ends in {type(last).__name__}", objective))
    if outputs is not None:
        check_outputs(outputs, objective)


def check_outputs(outputs: Tensor, objective: Objective) -> None:
    """Raise ``UserError`` unless ``outputs`` look like logits (B, num_classes) for ``objective``.

    Rows that are non-negative and sum to 1 within 1e-4 are probabilities; an objective that applies no
    activation of its own takes those too.
    """
    if outputs.ndim != 2 or outputs.shape[1] != objective.num_classes:
        raise UserError(
            f"the network must return logits of shape (batch, {objective.num_classes}); "
            f"received {tuple(outputs.shape)}: mend its last layer"
        )
    sums = outputs.double().sum(1)
    if objective.link != "identity" and bool((outputs >= 0).all() and ((sums - 1.0).abs() <= 1e-4).all()):
        raise UserError(_double_activation("the network's outputs are probabilities (rows sum to 1)", objective))


def trains_otherwise(objective: Objective) -> bool:
    """Return whether the loss of one and the same batch is another in training than in evaluation.

    Tried on K examples, one of each class. Under weights, margins, offsets or smoothing the two cannot be compared.
    """
    classes = objective.num_classes
    logits, targets = torch.linspace(-1, 1, classes).repeat(classes, 1), torch.arange(classes)
    was_training = objective.training
    with torch.no_grad():
        trained, evaluated = (objective.train(mode).per_example(logits, targets) for mode in (True, False))
    objective.train(was_training)
    return not torch.allclose(trained, evaluated)


def _double_activation(finding: str, objective: Objective) -> str:
    return (
        f"{type(objective).__name__} expects logits and applies its own {objective.link}; {finding}: "
        "remove that activation, or try loss=mse loss.output=identity"
    )


def _last_in_sequence(module: nn.Module) -> nn.Module:
    while isinstance(module, nn.Sequential) or _is_wrapper(module):
        solid = [child for child in module.children() if not isinstance(child, _TRANSPARENT_MODULES)]
        if not solid:
            break
        module = solid[-1]
    return module


def _is_wrapper(module: nn.Module) -> bool:
    return len(list(module.children())) == 1 and not list(module.parameters(recurse=False))


def _run(network: nn.Module, inputs: Tensor) -> tuple[nn.Module | None, Tensor]:
    """Return the last leaf to compute anything on the way to the output, if known, and the output."""
    producers: dict[int, nn.Module] = {}
    kept: list[Tensor] = []  # keeps outputs alive, so that no address is used twice

    def remember(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and not isinstance(module, _TRANSPARENT_MODULES):
            kept.append(output)
            producers[output.data_ptr()] = module

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [leaf.register_forward_hook(remember) for leaf in leaves]
    training = {module: module.training for module in network.modules()}
    try:
        with torch.no_grad():
            outputs = network.eval()(inputs)
    finally:
        for hook in hooks:
            hook.remove()
        for module, was_training in training.items():
            module.training = was_training
    return producers.get(outputs.data_ptr()), outputs
