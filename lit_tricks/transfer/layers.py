"""A network's layers, and which of them another network's weights fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from lit_tricks.errors import UserError
from lit_tricks.transfer.weights import SourceWeights

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)
MOST_SHOWN = 4

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Part:
    """One module with tensors of its own.

    Attributes:
        name: its place in the network.
        module: the module; its children are parts of their own.
        depth: layers above it, 0 in the output layer.
    """

    name: str
    module: nn.Module
    depth: int

    def shapes(self) -> Shapes:
        """Return the shape of each tensor that the state dict has of it, children left out."""
        return {name: tuple(tensor.shape) for name, tensor in _own(self.module).items()}


def parts_of(network: nn.Module) -> list[Part]:
    """Return the modules with tensors of their own in order of registration; a norm belongs to the layer before it."""
    found = [(name, module) for name, module in network.named_modules() if _own(module)]
    layers: list[list[tuple[str, nn.Module]]] = []
    for name, module in found:
        if layers and isinstance(module, NORMS):
            layers[-1].append((name, module))
        else:
            layers.append([(name, module)])
    last = len(layers) - 1
    return [Part(name, module, last - place) for place, layer in enumerate(layers) for name, module in layer]


@torch.no_grad()
def load_fitting(
    parts: Sequence[Part], source: SourceWeights, new_output: bool, input_shape: tuple[int, ...]
) -> list[str]:
    """Copy the source's tensors into every part that has the same tensors there, and return the names of those parts.

    Same are name and shape of each; a part takes all of its tensors or none. What learned on the outputs of the
    first layer is of no use without it, so that must fit.

    Args:
        parts: the network's, in order.
        source: where the weights come from.
        new_output: leave the output layer as it was initialised even where it fits.
        input_shape: of the new data, for messages.

    Raises:
        UserError: nothing below the output layer fits, or not the first layer; it tells names and shapes.
    """
    offered = _aligned(source.network, parts)
    fitting = [part for part in parts if part.shapes() == _shapes(_below(part.name, offered))]
    reused = [part for part in fitting if part.depth or not new_output]
    if not reused or parts[0] not in reused:
        raise _misfit(parts, source, offered, input_shape)
    for part in reused:
        values = _below(part.name, offered)
        for name, tensor in _own(part.module).items():
            tensor.copy_(values[name])
    return [part.name for part in reused]


def _own(module: nn.Module) -> dict[str, Tensor]:
    state = module.state_dict(keep_vars=True)
    return {name: tensor for name, tensor in state.items() if "." not in name and isinstance(tensor, Tensor)}


def _below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of the module ``name`` itself by their last name."""
    found = {tensor_name.rpartition("."): tensor for tensor_name, tensor in tensors.items()}
    return {last: tensor for (owner, _, last), tensor in found.items() if owner == name}


def _shapes(tensors: Mapping[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _aligned(tensors: dict[str, Tensor], parts: Sequence[Part]) -> dict[str, Tensor]:
    """Return the tensors without what wrappers, such as data-parallel ones, put before every name."""
    wanted = {part.name for part in parts}
    while wanted.isdisjoint(name.rpartition(".")[0] for name in tensors):
        heads = {name.partition(".")[0] for name in tensors}
        stripped = {name.partition(".")[2]: tensor for name, tensor in tensors.items()}
        if len(heads) > 1 or "" in stripped:
            break
        tensors = stripped
    return tensors


def _misfit(
    parts: Sequence[Part], source: SourceWeights, offered: dict[str, Tensor], input_shape: tuple[int, ...]
) -> UserError:
    theirs = source.spec.input_shape if source.spec is not None else input_shape
    if theirs != input_shape:
        return UserError(
            f"transfer needs inputs of the source's shape; {source.name} takes {theirs}, these data have "
            f"{input_shape}: train a source on inputs of that shape, or bring the data to it, images with "
            "data.image_size"
        )
    ours = {f"{part.name}.{name}".lstrip("."): shape for part in parts for name, shape in part.shapes().items()}
    return UserError(
        f"transfer needs a network whose first layer, at least, has the source's names and shapes; {source.name} holds "
        f"{_told(_shapes(offered))}, this network {_told(ours)}: choose the source's model and its knobs"
    )


def _told(shapes: Shapes) -> str:
    shown = [f"{name} {shape}" for name, shape in shapes.items() if shape][:MOST_SHOWN]
    return ", ".join(shown) + (" …" if len(shapes) > MOST_SHOWN else "")
