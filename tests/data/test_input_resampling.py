"""New examples lie between real neighbours, enter training alone, and real ones stay what they were."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.under_sampling import ClusterCentroids, EditedNearestNeighbours, TomekLinks

from lit_tricks.data import BreastCancerDataModule, CSVDataModule, DigitsDataModule
from lit_tricks.data.class_sizes import ClassCounts, LongTail, TwoClassShare
from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.input_resampling import CleaningSampler, InputResamplingSampler
from lit_tricks.errors import UserError


def resampled(resampler: Any, seed: int = 0, sampler: type = InputResamplingSampler, **options: Any) -> ArrayDataModule:
    """Return a table of cancers, a tenth of the training rows benign, with the resampler over its training split."""
    options = {"malignant_share": None, "imbalance": TwoClassShare(0.1, rare=1), "normalise": "standard", **options}
    module = BreastCancerDataModule(seed=seed, sampler=partial(sampler, resampler=resampler), **options)
    module.setup()
    return module


def visited(module: ArrayDataModule, epoch: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    loader = module.train_dataloader()
    loader.sampler.set_epoch(epoch)
    batches = list(loader)
    return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])


def rows_within(rows: torch.Tensor, store: torch.Tensor) -> torch.Tensor:
    return (rows.flatten(1)[:, None] == store.flatten(1)[None]).all(2).any(1)


def test_smote_makes_what_imbalanced_learn_makes_of_the_normalised_table() -> None:
    module = resampled(SMOTE(k_neighbors=3))
    x, y = visited(module)
    train = module.train
    counts = torch.bincount(train.y)
    assert torch.bincount(y).tolist() == [int(counts.max())] * 2
    real = rows_within(x, train.x)
    assert int(real.sum()) == len(train), "every real example is visited once, bit for bit"
    new = module.normaliser(x[~real]).numpy()
    assert (y[~real] == 1).all()
    rare = module.normaliser(train.x[train.y == 1]).numpy()
    # each lies on the line between an example and one of its three neighbours, both of its own class
    for row in new:
        nearest = []
        for base in rare:
            among = rare[np.argsort(((rare - base) ** 2).sum(1))[1:4]]
            along = ((row - base) * (among - base)).sum(1) / ((among - base) ** 2).sum(1)
            off = np.abs(row - base - along[:, None] * (among - base)).max(1)
            nearest.append(off[(along > -1e-3) & (along < 1 + 1e-3)].min(initial=np.inf))
        assert min(nearest) < 1e-3


def test_statistics_and_evaluation_are_those_of_real_examples() -> None:
    plain = BreastCancerDataModule(malignant_share=None, imbalance=TwoClassShare(0.1, rare=1), normalise="standard")
    plain.setup()
    module = resampled(SMOTE())
    visited(module)
    assert torch.equal(module.normaliser.shift, plain.normaliser.shift)
    assert torch.equal(module.normaliser.scale, plain.normaliser.scale)
    assert module.spec == plain.spec
    for split in ("train", "val", "test"):
        assert torch.equal(getattr(module, split).x, getattr(plain, split).x)
    assert sum(len(y) for _, y in module.train_eval_dataloader()) == plain.spec.n_train


def test_what_is_drawn_depends_on_the_seed_alone_and_its_order_on_the_epoch() -> None:
    first, again, other = resampled(SMOTE()), resampled(SMOTE(random_state=5)), resampled(SMOTE(), seed=1)
    assert torch.equal(visited(first, 2)[0], visited(again, 2)[0])
    assert not torch.equal(visited(first, 2)[0], visited(first, 3)[0])
    one, two = (visited(first, epoch)[0].sort(0).values for epoch in (2, 3))
    assert torch.equal(one, two), "all epochs visit the same examples"
    assert not torch.equal(one[: len(visited(other)[0])], visited(other)[0].sort(0).values[: len(one)])


@pytest.mark.parametrize("resampler", [TomekLinks(), EditedNearestNeighbours()], ids=["tomek", "enn"])
def test_cleaning_leaves_out_what_imbalanced_learn_does(resampler: Any) -> None:
    module = resampled(resampler, sampler=CleaningSampler, imbalance=None)
    inputs = module.normaliser(module.train.x).numpy()
    resampler.fit_resample(inputs, module.train.y.numpy())
    sampler = module.train_dataloader().sampler
    assert 0 < len(sampler) < len(module.train)
    assert sorted(sampler.order(0).tolist()) == sorted(resampler.sample_indices_.tolist())
    assert not sampler.rebalances


@pytest.mark.parametrize(
    ("resampler", "only_real"),
    [(BorderlineSMOTE(), False), (SMOTEENN(), False), (ClusterCentroids(), False), (RandomOverSampler(), True)],
    ids=lambda each: type(each).__name__,
)
def test_any_resampler_of_the_library_trains(resampler: Any, only_real: bool) -> None:
    module = resampled(resampler)
    x, y = visited(module)
    assert torch.bincount(y, minlength=2).min() > 0
    assert bool(rows_within(x, module.train.x).all()) == only_real


def test_images_are_resampled_as_pixels_which_the_log_says(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lit_tricks")
    module = DigitsDataModule(sampler=partial(InputResamplingSampler, resampler=SMOTE()), imbalance=LongTail(10))
    module.setup()
    x, y = visited(module)
    assert x.dtype == torch.uint8
    assert x.shape[1:] == (1, 8, 8)
    assert len(set(torch.bincount(y).tolist())) == 1
    # a second loader draws nothing anew
    visited(module, 1)
    (said,) = [record.getMessage() for record in caplog.records if "synthetic" in record.getMessage()]
    assert f"{len(y) - len(module.train):,} synthetic examples beside {len(module.train):,} real ones" in said
    assert "64 pixels, flattened" in said


@pytest.fixture
def mixed_table(tmp_path: Path) -> Path:
    """Return a table with a number that can be missing, two categorical columns, one of a single value, and a label."""
    rng = np.random.default_rng(0)
    lines = ["age,colour,country,ill"]
    for _ in range(200):
        ill = rng.random() < 0.2
        age = "" if rng.random() < 0.1 else f"{rng.normal(60 if ill else 40, 5):.3f}"
        lines.append(f"{age},{rng.choice(['red', 'green', 'blue'])},here,{'yes' if ill else 'no'}")
    file = tmp_path / "table.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_new_rows_of_a_mixed_table_have_categories_of_the_data(mixed_table: Path) -> None:
    module = CSVDataModule(path=mixed_table, sampler=partial(InputResamplingSampler, resampler=SMOTE()))
    module.setup()
    x, _ = visited(module)
    names = module.spec.encoding["feature_names"]
    assert names[:2] == ["age", "age is missing"]
    new = x[~rows_within(x, module.train.x)]
    assert len(new) > 50
    colours = new[:, [place for place, name in enumerate(names) if name.startswith("colour=")]]
    assert torch.equal(colours.sum(1), torch.ones(len(new)))
    assert set(new[:, 1:].unique().tolist()) == {0.0, 1.0}
    assert (new[:, names.index("country=here")] == 1).all()
    assert new[:, 0].unique().numel() > len(new) / 2
    rare = module.train.x[module.train.y == 1, 0]
    assert new[:, 0].min() >= rare.min() - 1e-3
    assert new[:, 0].max() <= rare.max() + 1e-3


def test_interpolated_categories_are_refused(mixed_table: Path) -> None:
    module = CSVDataModule(path=mixed_table, sampler=partial(InputResamplingSampler, resampler=ADASYN()))
    module.setup()
    with pytest.raises(UserError, match=r"ADASYN would interpolate 3 categorical columns: try .*over_sampling\.SMOTE"):
        module.train_dataloader()


def test_a_table_of_categories_alone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("colour,ill\n" + "red,no\nblue,no\ngreen,no\nred,yes\n" * 20)
    module = CSVDataModule(path=file, sampler=partial(InputResamplingSampler, resampler=SMOTE()))
    module.setup()
    with pytest.raises(UserError, match="SMOTE needs a numeric column"):
        module.train_dataloader()


@pytest.mark.parametrize(
    ("resampler", "rare", "message"),
    [
        (SMOTE(), 4, r"SMOTE with k_neighbors=5 needs 6 training examples .* has 4: try .*k_neighbors=3 or less"),
        (SMOTE(), 1, r"has 1: try sampler=oversample"),
        (ADASYN(n_neighbors=9), 5, r"ADASYN with n_neighbors=9 needs 10 .* try .*n_neighbors=4 or less"),
        (SMOTE(sampling_strategy=0.01), 40, "sampling_strategy must fit the classes; imbalanced-learn said"),
        (SMOTEENN(), 3, "SMOTEENN must be able to resample the training split; it said"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_too_few_neighbours_and_impossible_wishes_are_refused(resampler: Any, rare: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resampled(resampler, imbalance=ClassCounts([150, rare])).train_dataloader()


def test_what_is_no_resampler_is_refused() -> None:
    labels = torch.tensor([0, 1])
    with pytest.raises(UserError, match="must be a sampler of imbalanced-learn; received dict"):
        InputResamplingSampler(labels, resampler={})
    with pytest.raises(UserError, match=r"cleaning sampler; received SMOTE: try sampler=smote"):
        CleaningSampler(labels, resampler=SMOTE())
    with pytest.raises(RuntimeError, match=r"call take\(\) first"):
        len(InputResamplingSampler(labels, resampler=SMOTE()))
