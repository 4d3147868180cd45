"""Predictions and metrics of a trained module, in eval mode, outside the training loop."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from lit_tricks.data import BatchLoader
from lit_tricks.metrics import Evaluation, evaluate_predictions
from lit_tricks.module import LitClassifier


@torch.inference_mode()
def predict_batches(module: LitClassifier, batches: Iterable[Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Return probabilities (N, K), targets (N,) and losses (N,) of ``(x, y)`` batches, on the CPU.

    The module is put into eval mode and back; weights and random state stay as they are.
    """
    was_training = module.training
    module.eval()
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    try:
        for x, y in batches:
            target = y.to(module.device)
            logits = module(x.to(module.device))
            parts.append(
                (
                    module.objective.probabilities(logits).float().cpu(),
                    y.cpu(),
                    module.objective.per_example(logits, target).float().cpu(),
                )
            )
    finally:
        module.train(was_training)
    probabilities, targets, losses = zip(*parts, strict=True)
    return torch.cat(probabilities), torch.cat(targets), torch.cat(losses)


def split_loader(datamodule: Any, split: str) -> Any:
    """Return the loader of ``train`` (in order, not shuffled), ``val`` or ``test``; None when it has no batches."""
    name = {"train": "train_eval_dataloader", "val": "val_dataloader", "test": "test_dataloader"}[split]
    make = getattr(datamodule, name, None) or getattr(datamodule, f"{split}_dataloader")
    try:
        loader = make()
    except Exception as error:
        # Lightning's base class raises this for a split that a user's data module does not define
        if type(error).__name__ == "MisconfigurationException":
            return None
        raise
    if isinstance(loader, BatchLoader):
        # evaluation happens in one process, also after several have trained
        loader.shared = False
    return loader if loader is not None and len(loader) else None


def evaluate_split(module: LitClassifier, loader: Any) -> tuple[Evaluation, Tensor, Tensor]:
    """Return the evaluation of one split with its probabilities (N, K) and targets (N,)."""
    probabilities, targets, losses = predict_batches(module, loader)
    return evaluate_predictions(probabilities, targets, losses, module.spec.class_names), probabilities, targets
