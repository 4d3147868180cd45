import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_lightning.callbacks import ModelCheckpoint

from lit_tricks.data.loader import BatchLoader, shard, shard_length
from lit_tricks.data.samplers import Sampler, SequentialSampler, ShuffleSampler
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore:Be aware that when using .ckpt_path., callbacks:UserWarning")

ROWS, BATCH, EPOCHS = 22, 5, 3
STEPS = 5


def make_loader(kind: type[Sampler] = ShuffleSampler, rows: int = ROWS, **options: Any) -> BatchLoader:
    """Return a loader whose labels are the row numbers, so that a batch tells which rows it holds."""
    y = torch.arange(rows)
    examples = Examples(torch.stack([y, y * y], 1).float(), y)
    return BatchLoader(examples, BATCH, kind(labels=y, batch_size=BATCH, seed=7), **options)


def rows_in(loader: BatchLoader) -> list[list[int]]:
    return [y.tolist() for _, y in loader]


def test_batches_are_consecutive_chunks_of_the_order() -> None:
    loader = make_loader()
    loader.sampler.set_epoch(2)
    order = loader.sampler.order(2).tolist()
    assert rows_in(loader) == [order[start : start + BATCH] for start in range(0, ROWS, BATCH)]
    assert len(loader) == STEPS


def test_inputs_belong_to_their_labels() -> None:
    for x, y in make_loader():
        assert torch.equal(x, torch.stack([y, y * y], 1).float())


def test_images_stay_bytes() -> None:
    pixels = torch.arange(24, dtype=torch.uint8).view(6, 1, 2, 2)
    labels = torch.arange(6)
    loader = BatchLoader(Examples(pixels, labels), 4, SequentialSampler(labels))
    x, y = next(iter(loader))
    assert x.dtype == torch.uint8
    assert y.dtype == torch.int64
    assert torch.equal(x, pixels[:4])


def test_the_epoch_may_be_set_after_the_iterator_was_made() -> None:
    loader = make_loader()
    iterator = iter(loader)
    loader.sampler.set_epoch(1)
    assert next(iterator)[1].tolist() == loader.sampler.order(1)[:BATCH].tolist()


def test_state_tells_what_was_handed_out_and_resumes_there_once() -> None:
    loader = make_loader()
    loader.sampler.set_epoch(1)
    assert loader.state_dict() == {"epoch": 0, "cursor": 0}
    iterator = iter(loader)
    whole = rows_in(make_loader_at(1))
    next(iterator)
    next(iterator)
    state = loader.state_dict()
    assert state == {"epoch": 1, "cursor": 2}

    resumed = make_loader_at(1)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    assert rows_in(resumed) == whole[2:]
    assert rows_in(resumed) == whole


def make_loader_at(epoch: int) -> BatchLoader:
    loader = make_loader()
    loader.sampler.set_epoch(epoch)
    return loader


def test_state_of_another_epoch_skips_nothing() -> None:
    loader = make_loader_at(2)
    loader.load_state_dict({"epoch": 1, "cursor": 5})
    assert rows_in(loader) == rows_in(make_loader_at(2))


# --- sharing out over processes ---------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(total=st.integers(1, 120), batch=st.integers(1, 9), world=st.integers(1, 5), repeat=st.booleans())
def test_processes_share_an_epoch(total: int, batch: int, world: int, repeat: bool) -> None:
    order = torch.randperm(total, generator=torch.Generator().manual_seed(total))
    shards = [shard(order, batch, rank, world, repeat) for rank in range(world)]
    assert [len(s) for s in shards] == [shard_length(total, batch, rank, world, repeat) for rank in range(world)]
    together = torch.cat(shards).tolist()
    assert set(together) == set(range(total))
    if repeat:
        assert len({len(s) for s in shards}) == 1
        assert len(together) - total < world
    else:
        assert len(together) == total
        assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("world", [2, 3])
def test_a_step_of_all_processes_is_a_step_of_one_with_the_global_batch(world: int) -> None:
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    shards = [shard(order, 4, rank, world, repeat=True).split(4) for rank in range(world)]
    for step, single in enumerate(order.split(4 * world)):
        assert set(torch.cat([s[step] for s in shards]).tolist()) == set(single.tolist())


def test_the_remainder_is_repeated_or_left_uneven_as_asked() -> None:
    order = torch.arange(17)
    assert [shard(order, 4, rank, 2, True)[8:].tolist() for rank in (0, 1)] == [[16], [16]]
    assert [shard(order, 4, rank, 2, False)[8:].tolist() for rank in (0, 1)] == [[16], []]


VISIT = """
import json, sys, torch
from lit_tricks.data.loader import BatchLoader
from lit_tricks.data.samplers import ShuffleSampler
from lit_tricks.data.source import Examples

rank, rendezvous, rows, batch = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2)
y = torch.arange(rows)
for repeat in (True, False):
    loader = BatchLoader(Examples(y.float(), y), batch, ShuffleSampler(y, batch, seed=7), repeat=repeat)
    print(json.dumps([len(loader), [y.tolist() for _, y in loader]]))
torch.distributed.destroy_process_group()
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_real_processes_visit_disjoint_rows(tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", VISIT, str(rank), f"file://{tmp_path}/rendezvous", str(ROWS), str(BATCH)],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    order = make_loader().sampler.order(0)
    for rank, process in enumerate(processes):
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0
        for repeat, line in zip((True, False), output.splitlines(), strict=True):
            length, batches = json.loads(line)
            assert [row for batch in batches for row in batch] == shard(order, BATCH, rank, 2, repeat).tolist()
            assert {len(batch) for batch in batches[:-1]} == {BATCH}
            assert length == len(batches)


# --- resuming under Lightning -----------------------------------------------------------------------------------------


class Recorder(pl.LightningModule):
    """Notes the rows of each training step; its weights depend on their order."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        torch.nn.init.zeros_(self.layer.weight)
        torch.nn.init.zeros_(self.layer.bias)
        self.seen: dict[int, list[int]] = {}

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        x, y = batch
        self.seen[self.global_step] = [self.current_epoch, index, *y.tolist()]
        return (self.layer(x / 100) - 1).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.1)


class ValidatingRecorder(Recorder):
    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None: ...


def train(
    folder: Path, resume: Path | None = None, callbacks: Any = (), validate: bool = False, **options: Any
) -> Recorder:
    module = ValidatingRecorder() if validate else Recorder()
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=bool(callbacks),
        callbacks=list(callbacks),
        **{"max_epochs": EPOCHS, **options},
    )
    validation = make_loader(SequentialSampler, repeat=False) if validate else None
    trainer.fit(module, make_loader(), validation, ckpt_path=resume, weights_only=True if resume else None)
    return module


def test_lightning_gives_each_epoch_its_own_order(tmp_path: Path) -> None:
    seen = train(tmp_path).seen
    for epoch in range(EPOCHS):
        chunks = make_loader().sampler.order(epoch).split(BATCH)
        for index, rows in enumerate(chunks):
            assert seen[epoch * STEPS + index] == [epoch, index, *rows.tolist()]


@pytest.mark.parametrize(
    ("save", "options"),
    [
        ({"every_n_train_steps": 1}, {}),
        ({"every_n_train_steps": 1}, {"validate": True, "val_check_interval": 2}),
        ({"every_n_train_steps": 1}, {"limit_train_batches": 3}),
        ({"every_n_epochs": 1, "save_on_train_epoch_end": True}, {}),
        ({"every_n_epochs": 1, "save_on_train_epoch_end": False}, {"validate": True}),
    ],
    ids=["each step", "each step, validating in mid-epoch", "short epochs", "epoch's end", "validation's end"],
)
def test_training_resumes_with_the_very_next_batch(
    tmp_path: Path, save: dict[str, Any], options: dict[str, Any]
) -> None:
    keep = ModelCheckpoint(tmp_path, filename="{step}", save_top_k=-1, **save)
    whole = train(tmp_path, callbacks=[keep], **options)
    steps = max(whole.seen) + 1
    assert steps == EPOCHS * options.get("limit_train_batches", STEPS)
    checkpoints = {int(path.stem.partition("=")[2]): path for path in tmp_path.glob("step=*.ckpt")}
    assert set(checkpoints) == set(range(1, steps + 1)) or set(checkpoints) == {5, 10, 15}
    for step, path in checkpoints.items():
        resumed = train(tmp_path, resume=path, **options)
        assert resumed.seen == {s: rows for s, rows in whole.seen.items() if s >= step}, f"resumed after step {step}"
        assert torch.equal(resumed.layer.weight, whole.layer.weight)


def test_a_run_stopped_in_mid_epoch_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = train(tmp_path)
    keep = ModelCheckpoint(tmp_path, filename="stopped", every_n_train_steps=7)
    first = train(tmp_path, callbacks=[keep], max_epochs=-1, max_steps=7)
    second = train(tmp_path, resume=tmp_path / "stopped.ckpt")
    assert first.seen | second.seen == whole.seen
    assert min(second.seen) == 7
    assert torch.equal(second.layer.weight, whole.layer.weight)


def test_a_single_example_left_over_joins_the_batch_before_it_in_training() -> None:
    examples = Examples(torch.arange(9.0)[:, None], torch.zeros(9, dtype=torch.int64))
    training = BatchLoader(examples, 4, SequentialSampler(examples.y))
    assert [x.flatten().tolist() for x, _ in training] == [[0, 1, 2, 3], [4, 5, 6, 7, 8]]
    assert len(training) == 2
    evaluation = BatchLoader(examples, 4, SequentialSampler(examples.y), repeat=False)
    assert [len(y) for _, y in evaluation] == [4, 4, 1]
    assert len(evaluation) == 3


@pytest.mark.parametrize("batch_size", [1, 9, 12])
def test_a_single_example_stays_alone_where_nothing_is_before_it_or_batches_are_single(batch_size: int) -> None:
    examples = Examples(torch.zeros(9, 1), torch.zeros(9, dtype=torch.int64))
    loader = BatchLoader(examples, batch_size, SequentialSampler(examples.y))
    assert len(list(loader)) == len(loader) == -(-9 // batch_size)


@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 4, 5, 7, 8, 9, 12, 13])
def test_batches_cover_the_order_whatever_its_length(rows: int, repeat: bool) -> None:
    loader = BatchLoader(_numbered(rows), 4, ShuffleSampler(torch.arange(rows), 4, seed=7), repeat=repeat)
    found = rows_in(loader)
    assert [row for batch in found for row in batch] == loader.order(0).tolist()
    assert len(loader) == len(found)
    sizes = [len(batch) for batch in found]
    if repeat and rows > 4 and rows % 4 == 1:
        assert sizes == [4] * (rows // 4 - 1) + [5]
    else:
        assert sizes == [4] * (rows // 4) + [rows % 4] * (rows % 4 > 0)


class Half(ShuffleSampler):
    """Leaves out half of the examples and does not say so."""

    def order(self, epoch: int) -> torch.Tensor:
        return super().order(epoch)[: len(self.labels) // 2]


class Halved(Half):
    def __len__(self) -> int:
        return len(self.labels) // 2


def test_an_order_must_be_as_long_as_its_sampler_says() -> None:
    with pytest.raises(UserError, match="Half says 22 examples and ordered 11: try a __len__ of its own"):
        list(make_loader(Half))
    loader = make_loader(Halved)
    assert len(loader) == len(list(loader)) == 2


def test_batches_given_back_come_again() -> None:
    whole, loader = rows_in(make_loader()), make_loader()
    iterator = iter(loader)
    mixed = [next(iterator)[1].tolist()]
    loader.take(3)
    loader.give_back(2)
    mixed += [next(iterator)[1].tolist()]
    loader.take(2)
    loader.give_back(2)
    mixed += [y.tolist() for _, y in iterator]
    assert mixed == [whole[0], *whole[2:]]


def test_a_loader_without_examples_hands_out_nothing() -> None:
    loader = make_loader(rows=0)
    assert (len(loader), list(loader), loader.fitting(100)) == (0, [], 10)
    x, y, sizes = loader.take(3)
    assert (tuple(x.shape), tuple(y.shape), sizes) == ((0, 2), (0,), [])
    loader.load_state_dict(loader.state_dict())
    assert list(loader) == []


@pytest.mark.parametrize("batch_size", [1, 5])
def test_one_example_is_one_batch(batch_size: int) -> None:
    loader = BatchLoader(_numbered(1), batch_size, ShuffleSampler(torch.zeros(1, dtype=torch.int64)))
    assert rows_in(loader) == rows_in(loader) == [[0]]
    assert len(loader) == 1


@given(
    rows=st.integers(1, 400),
    batch=st.integers(1, 9),
    repeat=st.booleans(),
    counts=st.lists(st.integers(0, 150), max_size=5),
)
@settings(max_examples=150, deadline=None)
def test_stretches_and_single_batches_mix(rows: int, batch: int, repeat: bool, counts: list[int]) -> None:
    view = Examples(torch.arange(1000.0)[:, None], torch.arange(1000), torch.arange(1000 - rows, 1000))
    loader = BatchLoader(view, batch, ShuffleSampler(torch.arange(rows), batch, seed=7), repeat=repeat)
    whole = rows_in(loader)
    mixed: list[list[int]] = []
    iterator = iter(loader)
    for count in counts:
        mixed += [y.tolist() for _, y in itertools.islice(iterator, 1)]
        x, y, sizes = loader.take(count)
        assert torch.equal(x[:, 0].long(), y)
        mixed += [part.tolist() for part in y.split(sizes)]
        assert loader.state_dict() == {"epoch": 0, "cursor": len(mixed)}
    mixed += [y.tolist() for _, y in iterator]
    assert mixed == whole
    assert sorted(row for part in whole for row in part) == list(range(1000 - rows, 1000))


def _numbered(rows: int) -> Examples:
    return Examples(torch.arange(float(rows))[:, None], torch.arange(rows))
