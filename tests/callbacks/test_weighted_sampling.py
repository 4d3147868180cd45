"""torch's weighted sampler under several processes: refused where Lightning would not share it out."""

from collections.abc import Iterator
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, Sampler, TensorDataset, WeightedRandomSampler

from lit_tricks.callbacks import WeightedSamplingCheck, check_weighted_sampling
from lit_tricks.data import BatchLoader
from lit_tricks.data.balanced import BalancedSampler
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError

LABELS = (torch.arange(100) >= 90).long()
DATA = TensorDataset(torch.randn(100, 3, generator=torch.Generator().manual_seed(0)), LABELS)


class OwnBatches(Sampler[list[int]]):
    """A batch sampler that names itself, so that Lightning sets the epoch on it."""

    def __init__(self) -> None:
        self.sampler = self

    def __iter__(self) -> Iterator[list[int]]:
        return iter([[0, 1]])


def weighted() -> WeightedRandomSampler:
    return WeightedRandomSampler(torch.where(LABELS == 1, 9.0, 1.0).tolist(), 100)


def batched() -> DataLoader:
    return DataLoader(DATA, batch_sampler=BatchSampler(weighted(), 10, False))


def plain() -> DataLoader:
    return DataLoader(DATA, batch_size=10, sampler=weighted())


class Linear(pl.LightningModule):
    """The least that Lightning trains."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
        self.steps = 0

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        self.steps += 1
        return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.parametrize(
    ("loaders", "shares", "message"),
    [
        (batched, True, "2 processes must share .*; a BatchSampler around it cannot be shared out: give DataLoader"),
        (batched, False, "a BatchSampler around it"),
        (plain, False, r"each would draw all of it: try Trainer\(use_distributed_sampler=True\)"),
        (lambda: {"a": plain(), "b": [batched()]}, True, "a BatchSampler around it"),
    ],
)
def test_what_is_not_shared_out_is_refused(loaders: Any, shares: bool, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_weighted_sampling(loaders(), 2, shares)
    check_weighted_sampling(loaders(), 1, shares)


@pytest.mark.parametrize(
    "loader",
    [
        plain(),
        DataLoader(DATA, batch_size=10, shuffle=True),
        DataLoader(DATA, batch_sampler=BatchSampler(RandomSampler(DATA), 10, False)),
        DataLoader(DATA, batch_sampler=OwnBatches()),
        BatchLoader(Examples(DATA.tensors[0], LABELS), 10, BalancedSampler(LABELS, 10)),
        None,
    ],
    ids=["weighted", "shuffled", "batched", "own", "ours", "none"],
)
def test_what_is_shared_out_or_not_weighted_passes(loader: Any) -> None:
    check_weighted_sampling(loader, 2)


@pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers")
@pytest.mark.filterwarnings("ignore:.*log_every_n_steps")
@pytest.mark.parametrize("processes", [1, 2])
def test_the_callback_refuses_before_the_first_step_of_any_project(
    processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Linear()
    trainer = pl.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[WeightedSamplingCheck()],
    )  # fmt: skip
    monkeypatch.setattr(pl.Trainer, "world_size", property(lambda self: processes))
    if processes == 1:
        trainer.fit(module, batched())
        assert module.steps == 10
        return
    with pytest.raises(UserError, match="2 processes must share"):
        trainer.fit(module, batched())
    assert not module.steps
