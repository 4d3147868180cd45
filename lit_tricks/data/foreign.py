"""Facts about a data module that is not ours."""

from collections.abc import Iterable
from typing import Any

import pytorch_lightning as pl
import torch

from lit_tricks.data.labels import listing
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError


def describe_datamodule(datamodule: pl.LightningDataModule) -> DataSpec:
    """Return the specification of any LightningDataModule whose batches are ``(x, y)``, by reading it once.

    Class names come from its ``class_names`` when it has them, else they are the labels. Inputs are used
    as they come: such a module normalises for itself. A split whose loader is None has no examples; the module is
    then made to return an empty list instead, which Lightning takes for the same.

    Raises ``UserError`` when a split has several loaders, when a batch is no pair of float32 or uint8 inputs and
    int64 class indices, when names and labels disagree, or when there are fewer than two classes.
    """
    counts, shape = _scan(datamodule, "train_dataloader")
    val_counts, _ = _scan(datamodule, "val_dataloader")
    datamodule.setup("test")
    test_counts, _ = _scan(datamodule, "test_dataloader")
    if shape is None:
        raise UserError(f"data needs training batches; {_name(datamodule)} gave none: check its train_dataloader()")
    names = _class_names(datamodule, max(len(counts), len(val_counts), len(test_counts)))
    return DataSpec(
        name=_name(datamodule),
        kind="image" if len(shape) == 3 else "table",
        input_shape=shape,
        class_names=names,
        class_counts=tuple(torch.nn.functional.pad(counts, (0, len(names) - len(counts))).tolist()),
        value_range=None,
        n_train=int(counts.sum()),
        n_val=int(val_counts.sum()),
        n_test=int(test_counts.sum()),
    )


def _class_names(datamodule: pl.LightningDataModule, labels: int) -> tuple[str, ...]:
    """Return one name per class, of which the labels of all splits need ``labels``."""
    given = getattr(datamodule, "class_names", None)
    names = tuple(str(name) for name in given) if isinstance(given, Iterable) else ()
    if names and len(names) < labels:
        raise UserError(
            f"class_names must name every label; {_name(datamodule)} has {len(names)} names ({listing(names)}) and "
            f"labels up to {labels - 1}: add the missing names"
        )
    if len(set(names)) < len(names):
        raise UserError(f"class_names must differ; {_name(datamodule)} has {listing(names)}: rename one")
    names = names or tuple(str(label) for label in range(labels))
    if len(names) < 2:
        raise UserError(
            f"classification needs at least 2 classes; {_name(datamodule)} has {len(names)}: check its labels"
        )
    return names


def _scan(datamodule: pl.LightningDataModule, loader_name: str) -> tuple[torch.Tensor, tuple[int, ...] | None]:
    """Return the examples per label of a split, and the shape of one input."""
    counts, shape = torch.zeros(0, dtype=torch.int64), None
    if getattr(type(datamodule), loader_name) is getattr(pl.LightningDataModule, loader_name):
        return counts, shape
    loader = getattr(datamodule, loader_name)()
    if loader is None:
        setattr(datamodule, loader_name, _no_batches)
        return counts, shape
    if isinstance(loader, dict) or (isinstance(loader, list | tuple) and not all(map(_is_pair, loader))):
        raise UserError(
            f"a split must have one loader; {loader_name}() of {_name(datamodule)} gave a {type(loader).__name__} of "
            f"{len(loader)}: return a single one"
        )
    for batch in loader:
        x, y = _pair(batch, datamodule)
        shape = tuple(x.shape[1:])
        seen = torch.bincount(y, minlength=len(counts))
        counts = seen + torch.nn.functional.pad(counts, (0, len(seen) - len(counts)))
    return counts, shape


def _no_batches() -> list[Any]:
    return []


def _pair(batch: Any, datamodule: pl.LightningDataModule) -> tuple[torch.Tensor, torch.Tensor]:
    if not _is_pair(batch):
        raise UserError(
            f"a batch must be a pair (x, y) of tensors; {_name(datamodule)} gave {type(batch).__name__}: "
            "return (inputs, integer labels)"
        )
    x, y = batch
    if x.dtype not in (torch.float32, torch.uint8) or x.ndim < 2:
        raise UserError(
            f"inputs must be float32 or uint8 of shape (B, ...); {_name(datamodule)} gave {x.dtype} of shape "
            f"{tuple(x.shape)}: convert them, such as with x.float()"
        )
    if y.dtype != torch.int64 or y.ndim != 1 or len(y) != len(x):
        raise UserError(
            f"labels must be class indices, int64 of shape (B,); {_name(datamodule)} gave {y.dtype} "
            f"of shape {tuple(y.shape)}: encode them as int64, such as with y.long()"
        )
    if len(y) and int(y.min()) < 0:
        raise UserError(
            f"labels must be class indices from 0; {_name(datamodule)} gave {int(y.min())}: encode them as int64 from 0"
        )
    return x, y


def _is_pair(batch: Any) -> bool:
    return isinstance(batch, tuple | list) and len(batch) == 2 and all(torch.is_tensor(part) for part in batch)


def _name(datamodule: pl.LightningDataModule) -> str:
    return type(datamodule).__name__
