"""What every layer computes before and after training."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from lit_tricks.files import write_atomically

BINS = 60

Layer = dict[str, Any]


class LayerRecorder(pl.Callback):
    """Keeps, at the start and at the end of training, how drives, activations and gradients are spread by layer.

    It looks at up to ``limit`` examples of the training split, evenly spaced, in eval mode and without augmentation;
    weights, buffers, gradients and random state stay as they are. It needs a data module whose ``train`` has
    ``take(rows)`` and a module like ``LitClassifier``; elsewhere it records nothing.

    Args:
        limit: examples to look at, at least 1.
        run_dir: where ``layers.json`` is written, at once, so that a run that fails leaves it too; None for nowhere.

    Attributes:
        layers: moment (``start``, ``end``) → one mapping per linear or convolutional layer, in the order in which
            they compute, with ``name``, ``drive_counts`` and ``drive_edges`` (histogram of the layer's outputs before
            the activation), ``drive_std``, ``input_std``; of its weight's gradient, 0 where that is frozen,
            ``gradient_std`` (root mean square), ``gradient_mean`` (mean absolute value) and ``gradient_norm``
            (Euclidean); ``dead``, the share of units or channels that the ReLU behind it lets no example pass, None
            without ReLU.
        outputs: moment → ``edges`` and ``counts`` (K outputs, K true classes, bins) of the output probabilities.
    """

    def __init__(self, limit: int = 500, run_dir: str | Path | None = None) -> None:
        self.limit = limit
        self.run_dir = None if run_dir is None else Path(run_dir)
        self.layers: dict[str, list[Layer]] = {}
        self.outputs: dict[str, dict[str, Any]] = {}

    def state_dict(self) -> dict[str, Any]:
        """Keep the first record for a run that resumes."""
        return {"layers": self.layers, "outputs": self.outputs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what ``state_dict`` kept."""
        self.layers, self.outputs = dict(state_dict["layers"]), dict(state_dict["outputs"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Record the fresh network, once in a run."""
        if "start" not in self.layers:
            self._record("start", trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Record the trained network."""
        self._record("end", trainer, pl_module)

    def _record(self, moment: str, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        examples: Any = getattr(trainer.datamodule, "train", None)  # type: ignore[attr-defined]
        network: Any = getattr(module, "network", None)
        objective: Any = getattr(module, "objective", None)
        if not (hasattr(examples, "take") and isinstance(network, nn.Module) and hasattr(objective, "probabilities")):
            return
        count = min(self.limit, len(examples))
        rows = np.linspace(0, len(examples) - 1, count).round().astype(np.int64)
        chosen = examples.take(rows)
        x, y = chosen.x.to(module.device), chosen.y.to(module.device)
        modes = {part: part.training for part in module.modules()}
        module.eval()
        try:
            with torch.enable_grad():
                logits, seen = _watched(network, module.normaliser(x))  # type: ignore[operator]
                # a frozen layer has drives to show, and no gradient
                weights = [layer.weight for layer, _ in seen.values() if layer.weight.requires_grad]
                gradients = torch.autograd.grad(objective(logits, y), weights, allow_unused=True)
            found = {w: gradient for w, gradient in zip(weights, gradients, strict=True) if gradient is not None}
            self.outputs[moment] = _output_histograms(objective.probabilities(logits.detach()), y)
        finally:
            for part, training in modes.items():
                part.training = training
        self.layers[moment] = [
            {"name": name, **spread, **_sizes(found.get(layer.weight, layer.weight.new_zeros(1)))}
            for name, (layer, spread) in seen.items()
        ]
        if self.run_dir is not None and trainer.is_global_zero:
            text = json.dumps(_finite(self.layers), allow_nan=False) + "\n"
            write_atomically(self.run_dir / "layers.json", text, sync=False)


def _watched(network: nn.Module, inputs: Tensor) -> tuple[Tensor, dict[str, tuple[Any, Layer]]]:
    """Return the logits and, by name in computing order, each layer with the spread of what passed it."""
    seen: dict[str, tuple[Any, Layer]] = {}

    def hook(name: str) -> Any:
        def keep(layer: nn.Module, received: tuple[Tensor, ...], produced: Tensor) -> None:
            seen[name] = (layer, {**_spread(received[0].detach(), produced.detach()), "dead": None})

        return keep

    def count_dead(activation: nn.Module, received: tuple[Tensor, ...], produced: Tensor) -> None:
        if seen and produced.ndim > 1:
            _, spread = seen[next(reversed(seen))]
            spread["dead"] = float((produced.detach().transpose(0, 1).flatten(1).amax(1) <= 0).float().mean())

    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    watched = [(name, part) for name, part in network.named_modules() if isinstance(part, kinds)]
    handles = [part.register_forward_hook(hook(name)) for name, part in watched]
    handles += [
        part.register_forward_hook(count_dead) for part in network.modules() if isinstance(part, nn.ReLU | nn.ReLU6)
    ]
    try:
        return network(inputs), seen
    finally:
        for handle in handles:
            handle.remove()


def _spread(received: Tensor, produced: Tensor) -> Layer:
    # in double precision the squares of the largest single numbers are finite
    drives = produced.flatten().double().cpu().numpy()
    finite = drives[np.isfinite(drives)]
    counts, edges = np.histogram(finite if len(finite) else np.zeros(1), bins=BINS)
    return {
        "drive_counts": counts.tolist(),
        "drive_edges": edges.tolist(),
        "drive_std": float(finite.std()) if len(finite) else 0.0,
        "input_std": float(received.float().std()),
    }


def _sizes(gradient: Tensor) -> Layer:
    # in double precision the squares of the largest single numbers are finite
    sizes = gradient.abs().cpu().double()
    return {
        "gradient_std": float(sizes.square().mean().sqrt()),
        "gradient_mean": float(sizes.mean()),
        "gradient_norm": float(sizes.norm()),
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _output_histograms(probabilities: Tensor, labels: Tensor) -> dict[str, Any]:
    values, truth = probabilities.float().cpu().numpy(), labels.cpu().numpy()
    edges = np.linspace(0, 1, 41)
    classes = range(values.shape[1])
    counts = [
        [np.histogram(values[truth == true, output], edges)[0].tolist() for true in classes] for output in classes
    ]
    return {"edges": edges.tolist(), "counts": counts}
