from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from lit_tricks.data.foreign import describe_datamodule
from lit_tricks.errors import UserError

X = torch.rand(10, 3)
Y = torch.tensor([0, 1, 2, 0, 1, 0, 0, 0, 0, 0])


def loader(x: Tensor = X, y: Tensor = Y) -> DataLoader:
    return DataLoader(TensorDataset(x, y), batch_size=4)


class Foreign(pl.LightningDataModule):
    """What a user might write; ``loaders`` by split, class names where given."""

    def __init__(self, class_names: Any = None, **loaders: Any) -> None:
        super().__init__()
        self.class_names = class_names
        self.loaders: Mapping[str, Any] = {"train": loader(), "val": None, "test": loader(X[:4], Y[:4])} | loaders

    def train_dataloader(self) -> Any:
        return self.loaders["train"]

    def val_dataloader(self) -> Any:
        return self.loaders["val"]

    def test_dataloader(self) -> Any:
        return self.loaders["test"]


class OnlyTraining(pl.LightningDataModule):
    def train_dataloader(self) -> DataLoader:
        return loader(torch.zeros(10, 1, 2, 2, dtype=torch.uint8))


def test_facts_are_read_from_the_batches() -> None:
    spec = describe_datamodule(Foreign(val=loader(X[:6], Y[:6])))
    assert (spec.name, spec.kind, spec.input_shape, spec.value_range) == ("Foreign", "table", (3,), None)
    assert (spec.class_names, spec.class_counts) == (("0", "1", "2"), (7, 2, 1))
    assert (spec.n_train, spec.n_val, spec.n_test) == (10, 6, 4)


def test_images_and_splits_that_are_not_defined() -> None:
    spec = describe_datamodule(OnlyTraining())
    assert (spec.kind, spec.input_shape, spec.n_train, spec.n_val, spec.n_test) == ("image", (1, 2, 2), 10, 0, 0)


@pytest.mark.parametrize("names", [["a", "b", "c"], np.array(["a", "b", "c"]), ("a", "b", "c")])
def test_names_that_are_given(names: Any) -> None:
    assert describe_datamodule(Foreign(names)).class_names == ("a", "b", "c")


def test_names_and_test_labels_may_go_beyond_the_training_labels() -> None:
    spec = describe_datamodule(Foreign(list("abcd")))
    assert (spec.class_names, spec.class_counts) == (tuple("abcd"), (7, 2, 1, 0))
    spec = describe_datamodule(Foreign(test=loader(X, torch.full((10,), 3))))
    assert (spec.class_names, spec.class_counts) == (tuple("0123"), (7, 2, 1, 0))


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_too_few_names(split: str) -> None:
    module = Foreign(["a", "b", "c"], **{split: loader(X, torch.arange(10) % 5)})
    with pytest.raises(
        UserError, match=r"must name every label; Foreign has 3 names \(a, b, c\) and labels up to 4: add"
    ):
        describe_datamodule(module)


def test_names_that_repeat() -> None:
    with pytest.raises(UserError, match="class_names must differ; Foreign has a, b, a: rename one"):
        describe_datamodule(Foreign(["a", "b", "a"]))


@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
@pytest.mark.filterwarnings("ignore:.*`isinstance.treespec, LeafSpec.` is deprecated.*")
@pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero.*")
def test_no_validation_loader_is_no_validation_also_for_lightning(tmp_path: Path) -> None:
    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 3)

        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            raise AssertionError("there is nothing to validate on")

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    module = Foreign()
    assert describe_datamodule(module).n_val == 0
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(Module(), datamodule=module)
    assert trainer.global_step == 3


def test_a_loader_without_length_is_read() -> None:
    class Stream(IterableDataset):
        def __iter__(self) -> Any:
            return iter(zip(X, Y, strict=True))

    assert describe_datamodule(Foreign(train=DataLoader(Stream(), batch_size=3))).class_counts == (7, 2, 1)


def test_a_list_of_batches_is_a_loader() -> None:
    spec = describe_datamodule(Foreign(val=[[X[:2], Y[:2]], [X[2:5], Y[2:5]]], test=[]))
    assert (spec.n_val, spec.n_test) == (5, 0)


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("several", [[loader(), loader()], [loader()], {"a": loader()}])
def test_several_loaders(split: str, several: Any) -> None:
    message = (
        rf"one loader; {split}_dataloader\(\) of Foreign gave a {type(several).__name__} of {len(several)}: return"
    )
    with pytest.raises(UserError, match=message):
        describe_datamodule(Foreign(**{split: several}))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, Y.int(), r"int64 of shape \(B,\); Foreign gave torch.int32 of shape \(4,\): encode them as int64"),
        (X, Y.to(torch.uint8), "gave torch.uint8"),
        (X, Y.float(), "gave torch.float32"),
        (X, Y.bool(), "gave torch.bool"),
        (X, Y[:, None], r"of shape \(4, 1\)"),
        (X, Y - 1, "class indices from 0; Foreign gave -1"),
        (X.double(), Y, r"float32 or uint8 of shape \(B, ...\); Foreign gave torch.float64 of shape \(4, 3\): convert"),
        (X.half(), Y, "gave torch.float16"),
        (X[:, 0], Y, r"of shape \(4,\): convert"),
        (X, torch.zeros(10, dtype=torch.int64), "at least 2 classes; Foreign has 1: check its labels"),
    ],
)
def test_batches_that_cannot_be_trained_on(x: Tensor, y: Tensor, message: str) -> None:
    with pytest.raises(UserError, match=message):
        describe_datamodule(Foreign(train=loader(x, y), test=None))


@pytest.mark.parametrize("batch", [X, (X, Y, Y), {"x": X, "y": Y}, (X, [0, 1])])
def test_batches_that_are_no_pair(batch: Any) -> None:
    class Loader:
        def __iter__(self) -> Any:
            return iter([batch])

    with pytest.raises(UserError, match=rf"pair \(x, y\) of tensors; Foreign gave {type(batch).__name__}: return"):
        describe_datamodule(Foreign(train=Loader()))


@pytest.mark.parametrize("nothing", [None, []])
def test_no_training_batches(nothing: Any) -> None:
    with pytest.raises(UserError, match=r"data needs training batches; Foreign gave none: check"):
        describe_datamodule(Foreign(train=nothing))
