"""Predictions and metrics of a trained module, in eval mode, outside the training loop."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from lit_tricks.data import BatchLoader
from lit_tricks.metrics import Evaluation, evaluate_predictions
from lit_tricks.module import LitClassifier

# logits whose probabilities and losses are computed in one go
_HEAD_VALUES = 2**18


def predict_batches(module: LitClassifier, batches: Iterable[Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Return probabilities (N, K), targets (N,) and losses (N,) of ``(x, y)`` batches, on the CPU.

    The module is put into eval mode and back; weights and random state stay as they are.
    """
    logits, targets = batch_logits(module, batches)
    probabilities, losses = head_outputs(module, logits, targets)
    return probabilities, targets.cpu(), losses


@torch.inference_mode()
def batch_logits(module: LitClassifier, batches: Iterable[Any]) -> tuple[Tensor, Tensor]:
    """Return logits (N, K), on the module's device, and targets (N,) of ``(x, y)`` batches."""
    outputs, labels = _Rows(), _Rows()
    with _evaluating(module):
        for x, y in batches:
            outputs.add(module(x.to(module.device)))
            labels.add(y)
    return outputs.all(), labels.all()


@torch.inference_mode()
def head_outputs(module: LitClassifier, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return probabilities (N, K) and losses (N,), on the CPU, of what ``batch_logits`` returns."""
    # on a small network's batches the heads would take a fifth as long as the network
    together = max(1, _HEAD_VALUES // logits.shape[1])
    with _evaluating(module):
        parts = [
            (module.objective.probabilities(some), module.objective.per_example(some, of.to(module.device)))
            for some, of in zip(logits.split(together), targets.split(together), strict=True)
        ]
    probabilities, losses = (torch.cat(part).float().cpu() for part in zip(*parts, strict=True))
    return probabilities, losses


@contextmanager
def _evaluating(module: LitClassifier) -> Iterator[None]:
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


class _Rows:
    """Batches' rows, gathered in one block that doubles when it is full.

    Kept until ``torch.cat``, each batch's would lie between two others' temporaries, where the allocator can use no
    gap twice: 6,000 page faults for 10,000 MNIST images, which take half as long as 784-30-10 computes.
    """

    def __init__(self) -> None:
        self._block = torch.empty(0)
        self._count = 0

    def add(self, rows: Tensor) -> None:
        """Copy ``rows`` (B, …) behind the others; dtype, device and shape are the first ones'."""
        first, self._count = self._count, self._count + len(rows)
        if self._count > len(self._block):
            grown = rows.new_empty(max(self._count, 2 * first), *rows.shape[1:])
            if first:
                grown[:first] = self._block[:first]
            self._block = grown
        self._block[first : self._count] = rows

    def all(self) -> Tensor:
        """Return the rows (N, …)."""
        return self._block[: self._count]


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
    return evaluate_logits(module, *batch_logits(module, loader))


def evaluate_logits(module: LitClassifier, logits: Tensor, targets: Tensor) -> tuple[Evaluation, Tensor, Tensor]:
    """Do the same for what ``batch_logits`` returns."""
    probabilities, losses = head_outputs(module, logits, targets)
    labels, answers = targets.cpu(), module.decide(probabilities)
    spec = module.spec
    found = evaluate_predictions(probabilities, labels, losses, spec.class_names, answers, spec.class_counts)
    return found, probabilities, labels
