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
    columns = (_Column(), _Column(), _Column())
    try:
        for x, y in batches:
            target = y.to(module.device)
            logits = module(x.to(module.device))
            parts = module.objective.probabilities(logits), y, module.objective.per_example(logits, target)
            for column, part in zip(columns, parts, strict=True):
                column.append(part)
    finally:
        module.train(was_training)
    probabilities, targets, losses = (column.joined() for column in columns)
    return probabilities, targets, losses


class _Column:
    """Joins tensors of one shape but for the first dimension, on the CPU, in memory that grows by doubling.

    A list of small results would pin the heap between the large tensors of every batch: on 540,000 images that
    left 1.2 GB of gaps.
    """

    def __init__(self) -> None:
        self._rows = torch.empty(0)
        self._count = 0

    def append(self, part: Tensor) -> None:
        part = part.float() if part.is_floating_point() else part
        total = self._count + len(part)
        if total > len(self._rows):
            grown = torch.empty((max(total, 2 * len(self._rows)), *part.shape[1:]), dtype=part.dtype)
            grown[: self._count] = self._rows[: self._count].view_as(grown[: self._count])
            self._rows = grown
        self._rows[self._count : total] = part
        self._count = total

    def joined(self) -> Tensor:
        return self._rows[: self._count]


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
