"""Another network's weights, read without running anything that the file may hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.run_directory import RunDirectory

NETWORK, NORMALISER = "network.", "normaliser."


@dataclass(frozen=True)
class SourceWeights:
    """What a run directory or a file of weights offers.

    Attributes:
        name: the path as it was given.
        network: name → tensor, names as the source's network has them.
        spec: the facts about the data it was trained on; None where the file does not tell.
        normaliser: the statistics its inputs were scaled with; empty where the file has none.
    """

    name: str
    network: dict[str, Tensor]
    spec: DataSpec | None = None
    normaliser: dict[str, Tensor] = field(default_factory=dict)


def read_weights(path: str) -> SourceWeights:
    """Read the weights that gave a run's test metrics, or a state dict that ``torch.save`` wrote, onto the CPU.

    A file may also hold a checkpoint with the state dict under ``state_dict``. Files are read with
    ``weights_only=True``. Raises ``UserError`` when ``path`` is neither, is damaged, or is no network's.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        directory = RunDirectory.open(place)
        directory.require_classifier()
        place = directory.checkpoint()
        if place.suffix != ".ckpt":
            raise UserError(
                f"transfer.source must be a network's run; {path} fitted a classical model at once: "
                "name a run of model=mlp or model=cnn"
            )
    elif not place.is_file():
        raise UserError(
            f"transfer.source must be a run directory or a file of weights; received {path}, which is neither: "
            "list runs/"
        )
    content = _loaded(place)
    tensors = content.get("state_dict", content)
    if not isinstance(tensors, Mapping) or not tensors or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise UserError(
            f"a file of weights must hold a state dict, names with tensors; {place} does not: "
            "write it with torch.save(network.state_dict(), FILE)"
        )
    facts = content.get("hyper_parameters")
    if not isinstance(facts, Mapping) or "data_spec" not in facts:
        return SourceWeights(path, dict(tensors))
    return SourceWeights(
        path, _below(NETWORK, tensors), DataSpec.from_dict(facts["data_spec"]), _below(NORMALISER, tensors)
    )


def _loaded(file: Path) -> Mapping[str, Any]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"transfer.source must be intact and hold weights alone; {file} cannot be read ({type(error).__name__}): "
            "write it with torch.save(network.state_dict(), FILE)"
        ) from error
    return content if isinstance(content, Mapping) else {}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
