"""What a dense network is made of, layer by layer."""

from typing import Any

from torch import nn

NORMS = (nn.BatchNorm1d, nn.LayerNorm)


def dense_layers(network: nn.Module) -> list[dict[str, Any]] | None:
    """Return the parts of a dense network in the order in which they are registered, None for any other network.

    Dense is a network whose parameters all belong to ``nn.Linear`` layers, each as wide at its entrance as the one
    before at its exit, and to batch or layer norms between them.

    Each part is ``name`` (its place in the network), ``kind`` (its class), ``units`` (outputs per example),
    ``weights``, ``biases`` (numbers that are trained, of a norm its scales and shifts), and of a linear layer
    ``inputs``. Parts before the first linear layer are left out, since nothing says how wide they are.
    """
    parts: list[dict[str, Any]] = []
    for name, module in network.named_modules():
        own = list(module.parameters(recurse=False))
        if isinstance(module, nn.Linear):
            if parts and parts[-1]["units"] != module.in_features:
                return None
            parts.append(_part(name, module, module.out_features, inputs=module.in_features))
        elif own and not isinstance(module, NORMS):
            return None
        elif parts and not list(module.children()):
            parts.append(_part(name, module, parts[-1]["units"]))
        elif own:
            return None
    return parts or None


def _part(name: str, module: nn.Module, units: int, **more: int) -> dict[str, Any]:
    counts = {
        plural: sum(parameter.numel() for key, parameter in module.named_parameters(recurse=False) if key == single)
        for plural, single in (("weights", "weight"), ("biases", "bias"))
    }
    return {"name": name, "kind": type(module).__name__, **more, "units": units, **counts}
