from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from lit_tricks.data import datamodule
from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.samplers import SequentialSampler, ShuffleSampler
from lit_tricks.data.source import Examples, Loaded, Source
from lit_tricks.errors import UserError

NAMES = ("ant", "bee", "cat")


class Rows(Source):
    """Features whose first column is the row number; classes in the ratio 6 : 3 : 1."""

    name = "rows"
    kind = "table"

    def __init__(self, total: int = 200, official: int = 0, ordered: bool = False) -> None:
        self.total = total
        self.official = official
        self.ordered = ordered
        self.calls: list[str] = []

    def prepare(self) -> None:
        self.calls.append("prepare")

    def examples(self, start: int, total: int) -> Examples:
        labels = np.repeat([0, 1, 2], [total * 6 // 10, total * 3 // 10, total - total * 6 // 10 - total * 3 // 10])
        if not self.ordered:
            labels = np.random.default_rng(start).permutation(labels)
        rows = torch.arange(start, start + total).float()
        return Examples(torch.stack([rows, torch.from_numpy(labels) * 2.0], 1), torch.from_numpy(labels))

    def load(self) -> Loaded:
        self.calls.append("load")
        test = self.examples(10_000, self.official) if self.official else None
        return Loaded(self.examples(0, self.total), test, NAMES)


def ready(source: Source | None = None, **options: Any) -> ArrayDataModule:
    module = ArrayDataModule(source or Rows(), **options)
    module.prepare_data()
    module.setup("fit")
    return module


def rows_of(examples: Examples) -> list[int]:
    return examples.x[:, 0].int().tolist()


def test_splits_are_disjoint_stratified_and_complete() -> None:
    data = ready(val_size=0.1, test_size=0.2)
    splits = [data.train, data.val, data.test]
    assert sorted(row for split in splits for row in rows_of(split)) == list(range(200))
    assert [torch.bincount(split.y).tolist() for split in splits] == [[86, 43, 15], [10, 5, 1], [24, 12, 4]]


def test_the_drawn_test_split_is_the_same_for_every_seed_and_fold() -> None:
    first, second, folded = ready(seed=0), ready(seed=1), ready(seed=2, folds=4, fold=3)
    assert rows_of(first.test) == rows_of(second.test) == rows_of(folded.test)
    assert rows_of(first.val) != rows_of(second.val)


def test_the_same_seed_gives_the_same_splits_and_batches() -> None:
    first, again = (ready(seed=3, train_size=50) for _ in range(2))
    assert rows_of(first.train) == rows_of(again.train)
    for (x, y), (x2, y2) in zip(first.train_dataloader(), again.train_dataloader(), strict=True):
        assert torch.equal(x, x2)
        assert torch.equal(y, y2)


def test_an_official_test_split_is_left_alone() -> None:
    data = ready(Rows(official=30), test_size=0.4)
    assert rows_of(data.test) == list(range(10_000, 10_030))
    assert data.spec.n_train + data.spec.n_val == 200


def test_validation_may_be_the_first_rows() -> None:
    data = ready(Rows(official=30), val_split="first", val_size=25)
    assert rows_of(data.val) == list(range(25))
    assert rows_of(data.train) == list(range(25, 200))


@pytest.mark.parametrize(("size", "rows"), [(40, 40), (0.2, 35), (175, 175)])
def test_a_part_of_the_training_split_may_be_its_first_rows(size: int | float, rows: int) -> None:
    data = ready(Rows(official=30), val_split="first", val_size=25, train_size=size)
    assert rows_of(data.val) == list(range(25))
    assert rows_of(data.train) == list(range(25, 25 + rows))


def test_first_rows_of_the_training_split_are_at_most_all() -> None:
    with pytest.raises(UserError, match=r"data\.train_size must be at most the 175 training rows; received 176"):
        ready(Rows(official=30), val_split="first", val_size=25, train_size=176)


@pytest.mark.parametrize("official", [0, 30])
def test_validation_may_watch_the_test_split(official: int) -> None:
    data = ready(Rows(official=official), val_split="test", val_size=25)
    assert rows_of(data.val) == rows_of(data.test)
    assert sorted(rows_of(data.train) + ([] if official else rows_of(data.test))) == list(range(200))


def test_a_fold_and_the_test_split_cannot_both_validate() -> None:
    with pytest.raises(UserError, match=r"one of data\.folds or the test split"):
        ready(val_split="test", folds=5)


def test_folds_partition_what_is_not_test() -> None:
    folds = [ready(folds=5, fold=fold, val_size=0.5) for fold in range(5)]
    assert sorted(row for data in folds for row in rows_of(data.val)) == sorted(
        set(range(200)) - {*rows_of(folds[0].test)}
    )
    for data in folds:
        assert not {*rows_of(data.train)} & {*rows_of(data.val)}
        assert data.spec.n_val == 32


def test_train_size_thins_training_alone() -> None:
    whole, thin = ready(), ready(train_size=30)
    assert rows_of(whole.val) == rows_of(thin.val)
    assert {*rows_of(thin.train)} < {*rows_of(whole.train)}
    assert thin.spec.class_counts == (18, 9, 3)
    assert ready(train_size=0.5).spec.n_train == 72


def test_the_specification_tells_what_later_stages_need() -> None:
    spec = ready(val_size=0).spec
    assert (spec.name, spec.kind, spec.input_shape, spec.class_names) == ("rows", "table", (2,), NAMES)
    assert (spec.n_train, spec.n_val, spec.n_test, spec.class_counts) == (160, 0, 40, (96, 48, 16))
    assert spec.value_range is None


def test_statistics_come_from_the_training_split_alone() -> None:
    data = ready(Rows(official=30), normalise="standard", train_size=60)
    train = data.train.x.double().numpy()
    np.testing.assert_allclose(data.normaliser.shift[0].numpy(), train.mean(0), rtol=1e-6)
    np.testing.assert_allclose(data.normaliser.scale[0].numpy(), 1 / train.std(0), rtol=1e-6)
    assert data.normaliser(data.test.x)[:, 0].min() > 50


def test_sources_encode_by_the_training_rows_alone() -> None:
    class Encoding(Rows):
        def encode(self, loaded: Loaded, train_rows: np.ndarray) -> Loaded:
            self.rows = train_rows.tolist()
            return Loaded(
                Examples(loaded.train.x * 2, loaded.train.y), None, loaded.class_names, encoding={"factor": 2}
            )

    source = Encoding()
    data = ready(source, train_size=40)
    assert source.rows == [row // 2 for row in rows_of(data.train)]
    assert data.spec.encoding == {"factor": 2}


def test_what_is_missing_may_be_filled_by_encoding_but_not_left() -> None:
    class Missing(Rows):
        fill = True

        def load(self) -> Loaded:
            loaded = super().load()
            loaded.train.x[5, 1] = float("nan")
            return loaded

        def encode(self, loaded: Loaded, train_rows: np.ndarray) -> Loaded:
            if self.fill:
                loaded.train.x.nan_to_num_()
            return loaded

    ready(Missing())
    source = Missing()
    source.fill = False
    with pytest.raises(UserError, match=r"1 NaN or infinite value in the training data, the first in row 5, column 1"):
        ready(source)


def test_splits_are_views_of_what_the_source_read() -> None:
    class Kept(Rows):
        def load(self) -> Loaded:
            self.loaded = super().load()
            return self.loaded

    source = Kept()
    data = ready(source, train_size=50)
    store = source.loaded.train.inputs.data_ptr()
    assert [split.inputs.data_ptr() for split in (data.train, data.val, data.test)] == [store] * 3


def test_setup_reads_once() -> None:
    source = Rows()
    data = ready(source)
    data.setup("test")
    assert source.calls == ["prepare", "load"]


@pytest.mark.parametrize("name", ["spec", "normaliser", "train", "val", "test"])
def test_nothing_is_known_before_setup(name: str) -> None:
    with pytest.raises(RuntimeError, match=r"ArrayDataModule holds no data yet: call prepare_data\(\) and setup\(\)"):
        getattr(ArrayDataModule(Rows()), name)


def test_training_batches_follow_the_sampler() -> None:
    data = ready(batch_size=10, seed=4, sampler=partial(SequentialSampler))
    assert [row for x, _ in data.train_dataloader() for row in x[:, 0].int().tolist()] == rows_of(data.train)
    shuffled = ready(batch_size=10, seed=4).train_dataloader()
    assert isinstance(shuffled.sampler, ShuffleSampler)
    assert (shuffled.sampler.seed, shuffled.sampler.batch_size, len(shuffled)) == (4, 10, 15)


def test_evaluation_is_in_order_and_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datamodule, "_EVALUATION_VALUES", 14)
    data = ready(batch_size=4)
    for loader, split in [
        (data.train_eval_dataloader(), data.train),
        (data.val_dataloader(), data.val),
        (data.test_dataloader(), data.test),
    ]:
        batches = [x for x, _ in loader]
        assert torch.equal(torch.cat(batches), split.x)
        assert len(batches[0]) == 7
        assert not loader.repeat


def test_evaluation_batches_are_never_smaller_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datamodule, "_EVALUATION_VALUES", 1)
    assert ready(batch_size=4).test_dataloader().batch_size == 4


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (Rows(), {"val_size": 1.0}, r"data\.val_size must be a fraction"),
        (Rows(), {"val_size": 158}, r"data\.val_size must leave one row of every class over, so at most 157 of 160"),
        (Rows(), {"val_size": 0.001}, r"data\.val_size=0\.001 of 160 rows is an empty split"),
        (Rows(), {"test_size": 200}, r"data\.test_size must leave some of the 200 available rows over"),
        (Rows(), {"train_size": 500}, r"data\.train_size must be at most the 144 training rows"),
        (Rows(), {"train_size": 2}, r"every class needs a training example; 'cat' has none among 2"),
        (Rows(), {"folds": 17}, r"data\.folds=17 rows; class 'cat' has 16: try data\.folds=16"),
        (Rows(ordered=True, official=9), {"val_split": "first", "val_size": 130}, r"'ant' has none among 70"),
    ],
)
def test_splits_that_cannot_be_trained_on_are_refused(source: Source, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ready(source, **options)


def test_one_class_only_is_refused() -> None:
    class Alone(Rows):
        def load(self) -> Loaded:
            loaded = super().load()
            loaded.train.y.zero_()
            return loaded

    with pytest.raises(UserError, match=r"at least 2 classes in the training data; received only 'ant'"):
        ready(Alone())


def test_it_describes_itself() -> None:
    assert str(ArrayDataModule(Rows())) == "ArrayDataModule, not set up"
    assert str(ready()) == "ArrayDataModule: 144 train, 16 val, 40 test"


class Counter(pl.LightningModule):
    """Notes the rows of every training batch and the number of validation examples."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 3)
        self.rows: list[list[int]] = []
        self.validated = self.tested = 0

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        self.rows.append(batch[0][:, 0].int().tolist())
        return torch.nn.functional.cross_entropy(self.layer(batch[0] / 200), batch[1])

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
        self.validated += len(batch[1])

    def test_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
        self.tested += len(batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(folder: Path, data: ArrayDataModule, **options: Any) -> tuple[Counter, pl.Trainer]:
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        max_epochs=2,
        **options,
    )
    module = Counter()
    trainer.fit(module, datamodule=data)
    return module, trainer


def test_lightning_trains_validates_and_tests_on_it(tmp_path: Path) -> None:
    data = ArrayDataModule(Rows())
    module, trainer = fit(tmp_path, data)
    trainer.test(module, datamodule=data)
    assert (module.validated, module.tested) == (32, 40)
    first, second = ([row for rows in module.rows[i : i + 5] for row in rows] for i in (0, 5))
    assert sorted(first) == sorted(second) == sorted(rows_of(data.train))
    assert first != second


def test_lightning_trains_without_validation(tmp_path: Path) -> None:
    data = ArrayDataModule(Rows(), val_size=0)
    module, _ = fit(tmp_path, data)
    assert data.val_dataloader() == []
    assert module.validated == 0
    assert len(module.rows) == 10


def test_overfitting_repeats_the_same_batches(tmp_path: Path) -> None:
    data = ArrayDataModule(Rows())
    module, _ = fit(tmp_path, data, overfit_batches=2, limit_val_batches=0)
    assert module.rows[:2] == module.rows[2:] == [rows_of(data.train)[:32], rows_of(data.train)[32:64]]
