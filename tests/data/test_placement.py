from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from training import make_module, make_trainer

from lit_tricks.data import DigitsDataModule, placement
from lit_tricks.data.loader import BatchLoader
from lit_tricks.data.placement import Streamed, free_bytes, place
from lit_tricks.data.samplers import ShuffleSampler
from lit_tricks.data.source import Examples

pytestmark = pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks")

CPU = torch.device("cpu")
META = torch.device("meta")
STORE = Examples(torch.rand(50, 3, dtype=torch.float64), torch.arange(50), torch.arange(1, 50, 2), cast=torch.float32)
# 25 rows of 3 float32 and a label
BYTES = 25 * (12 + 8)


@pytest.fixture
def grant(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Return a function that gives every device so much memory of its own; pinning then needs no accelerator."""

    def give(free: int | None) -> None:
        monkeypatch.setattr(placement, "free_bytes", lambda device: free)
        monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)

    return give


def batches(examples: Examples, epoch: int = 1) -> list[tuple[torch.Tensor, torch.Tensor]]:
    loader = BatchLoader(examples, 4, ShuffleSampler(STORE.y, 4, seed=3))
    loader.sampler.set_epoch(epoch)
    return list(loader)


def test_the_processor_has_no_memory_of_its_own() -> None:
    assert free_bytes(CPU) is None
    assert place(STORE, CPU) == (STORE, "in memory")


@pytest.mark.parametrize(("free", "where"), [(4 * BYTES, "on cpu"), (4 * BYTES - 4, "streamed to cpu")])
def test_a_split_moves_exactly_when_it_fits_into_its_share(
    grant: Callable[[int | None], None], free: int, where: str
) -> None:
    grant(free)
    placed, said = place(STORE, CPU)
    assert said == where
    assert isinstance(placed, Streamed) == (where != "on cpu")
    for (x, y), (x2, y2) in zip(batches(placed), batches(STORE), strict=True):
        assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
        assert torch.equal(x, x2)
        assert torch.equal(y, y2)


def test_what_moved_is_the_view_alone_in_its_own_dtype(
    grant: Callable[[int | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(10**9)
    monkeypatch.setattr(placement, "_PIECE_VALUES", 10)
    placed, _ = place(STORE, CPU)
    assert (placed.rows, placed.inputs.dtype, tuple(placed.inputs.shape)) == (None, torch.float32, (25, 3))
    assert torch.equal(placed.x, STORE.x)
    assert torch.equal(placed.y, STORE.y)


@pytest.mark.parametrize("free", [10**9, 0])
def test_batches_and_their_order_live_on_the_device(grant: Callable[[int | None], None], free: int) -> None:
    grant(free)
    placed, _ = place(STORE, META)
    loader = BatchLoader(placed, 4, ShuffleSampler(STORE.y, 4))
    assert placed.locate(loader.order(0)).device == (META if free else CPU)
    assert {(x.device, y.device, tuple(x.shape[1:])) for x, y in loader} == {(META, META, (3,))}
    next(iter(loader))
    x, _, sizes = loader.take(3)
    assert (x.device, len(x), sizes) == (META, 12, [4, 4, 4])


def run(folder: Path, epochs: int, checkpoint: Path | None = None, accelerator: str = "cpu") -> tuple[Any, pl.Trainer]:
    datamodule = DigitsDataModule(batch_size=32)
    module = make_module(datamodule, dropout=0.2)
    trainer = make_trainer(folder, epochs) if accelerator == "cpu" else make_gpu_trainer(folder, epochs)
    torch.manual_seed(1)
    trainer.fit(module, datamodule=datamodule, ckpt_path=checkpoint, weights_only=True if checkpoint else None)
    return {name: value.cpu() for name, value in module.state_dict().items()}, trainer


def make_gpu_trainer(folder: Path, epochs: int) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cuda",
        devices=1,
        max_epochs=epochs,
        logger=False,
        default_root_dir=str(folder),
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
    )


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_is_the_same_wherever_its_data_lies_and_resumes_elsewhere(
    grant: Callable[[int | None], None], tmp_path: Path
) -> None:
    weights, _ = run(tmp_path / "whole", 3)
    grant(10**9)
    moved, trainer = run(tmp_path / "moved", 2)
    assert trainer.train_dataloader.examples.inputs.data_ptr() != trainer.datamodule.train.inputs.data_ptr()
    assert not trainer.datamodule._places, "the device's memory is given back"
    grant(0)
    last = tmp_path / "moved" / "checkpoints" / "last.ckpt"
    resumed, trainer = run(tmp_path / "resumed", 3, last)
    assert isinstance(trainer.train_dataloader.examples, Streamed)
    assert isinstance(trainer.val_dataloaders.examples, Streamed)
    assert same(weights, resumed)
    assert not same(weights, moved)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")
def test_a_graphics_card_gets_the_same_batches_from_its_own_memory_and_from_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    device = torch.device("cuda", 0)
    assert free_bytes(device) == pytest.approx(torch.cuda.mem_get_info(device)[0], rel=0.1)
    own, said = place(STORE, device)
    assert (said, own.inputs.device) == ("on cuda:0", device)
    monkeypatch.setattr(placement, "SHARE", 0.0)
    streamed, _ = place(STORE, device)
    for (x, y), (x2, y2), (x3, y3) in zip(batches(own), batches(streamed), batches(STORE), strict=True):
        assert x.device == x2.device == device
        assert torch.equal(x.cpu(), x3)
        assert torch.equal(x2.cpu(), x3)
        assert y.tolist() == y2.tolist() == y3.tolist()
    from_ours, _ = run(tmp_path / "streamed", 2, accelerator="cuda")
    monkeypatch.undo()
    from_its_own, trainer = run(tmp_path / "own", 2, accelerator="cuda")
    assert trainer.train_dataloader.examples.inputs.device == device
    assert same(from_ours, from_its_own)
