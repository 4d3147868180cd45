"""Facts about a data module that is not ours."""

from typing import Any

import pytorch_lightning as pl
import torch

from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError


def describe_datamodule(datamodule: pl.LightningDataModule) -> DataSpec:
    """Return the specification of any LightningDataModule whose batches are ``(x, y)``, by reading it once.

    Class names come from its ``class_names`` when it has them, else they are the labels. Inputs are used
    as they come: such a module normalises for itself.

    Raises ``UserError`` when a batch is no pair, when labels are not class indices, or when there is
    fewer than two classes.
    """
    counts, shape, total = _scan(datamodule, "train_dataloader")
    val_counts, _, n_val = _scan(datamodule, "val_dataloader")
    datamodule.setup("test")
    test_counts, _, n_test = _scan(datamodule, "test_dataloader")
    if shape is None:
        raise UserError(f"data needs training batches; {_name(datamodule)} gave none: check its train_dataloader()")
    names = getattr(datamodule, "class_names", None)
    size = max(len(counts), len(val_counts), len(test_counts), len(names or ()))
    if size < 2:
        raise UserError(f"classification needs at least 2 classes; {_name(datamodule)} has {size}: check its labels")
    counts = torch.nn.functional.pad(counts, (0, size - len(counts)))
    return DataSpec(
        name=_name(datamodule),
        kind="image" if len(shape) == 3 else "table",
        input_shape=shape,
        class_names=tuple(str(name) for name in names) if names else tuple(str(label) for label in range(size)),
        class_counts=tuple(counts.tolist()),
        value_range=None,
        n_train=total,
        n_val=n_val,
        n_test=n_test,
    )


def _scan(datamodule: pl.LightningDataModule, loader_name: str) -> tuple[torch.Tensor, tuple[int, ...] | None, int]:
    counts, shape = torch.zeros(0, dtype=torch.int64), None
    if getattr(type(datamodule), loader_name) is getattr(pl.LightningDataModule, loader_name):
        return counts, shape, 0
    for batch in getattr(datamodule, loader_name)() or ():
        x, y = _pair(batch, datamodule)
        shape = tuple(x.shape[1:])
        seen = torch.bincount(y, minlength=len(counts))
        counts = seen + torch.nn.functional.pad(counts, (0, len(seen) - len(counts)))
    return counts, shape, int(counts.sum())


def _pair(batch: Any, datamodule: pl.LightningDataModule) -> tuple[torch.Tensor, torch.Tensor]:
    if not (isinstance(batch, tuple | list) and len(batch) == 2 and all(torch.is_tensor(part) for part in batch)):
        raise UserError(
            f"a batch must be a pair (x, y) of tensors; {_name(datamodule)} gave {type(batch).__name__}: "
            "return (inputs, integer labels)"
        )
    x, y = batch
    if y.is_floating_point() or y.ndim != 1 or int(y.min()) < 0:
        raise UserError(
            f"labels must be class indices of shape (B,) from 0; {_name(datamodule)} gave {y.dtype} "
            f"of shape {tuple(y.shape)}: encode them as int64"
        )
    return x, y.to(torch.int64)


def _name(datamodule: pl.LightningDataModule) -> str:
    return type(datamodule).__name__
