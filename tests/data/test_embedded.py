from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from sklearn import datasets

import lit_tricks.data
from lit_tricks.data import (
    ArrayDataModule,
    BreastCancerDataModule,
    BreastCancerSource,
    DigitsDataModule,
    DigitsSource,
    MoonsDataModule,
    MoonsSource,
    SequentialSampler,
    ShuffleSampler,
)
from lit_tricks.errors import UserError

CONF = Path(__file__).resolve().parents[2] / "conf"


def test_digits_are_scikit_learns() -> None:
    loaded = DigitsSource().load()
    images, labels = datasets.load_digits(return_X_y=True)
    assert loaded.train.x.dtype == torch.uint8
    assert loaded.train.x.shape == (1797, 1, 8, 8)
    np.testing.assert_array_equal(loaded.train.x.flatten(1).numpy(), images)
    np.testing.assert_array_equal(loaded.train.y.numpy(), labels)
    assert (loaded.value_range, loaded.class_names) == ((0.0, 16.0), tuple("0123456789"))
    assert loaded.test is None


@pytest.mark.parametrize(("share", "malignant"), [(0.1, 40), (0.05, 19), (0.3, 153), (0.372, 211), (None, 212)])
def test_cancer_is_thinned_to_the_share(share: float | None, malignant: int) -> None:
    loaded = BreastCancerSource(share).load()
    assert loaded.class_names == ("malignant", "benign")
    assert torch.bincount(loaded.train.y).tolist() == [malignant, 357]
    assert share is None or malignant / (malignant + 357) == pytest.approx(share, abs=0.002)


def test_thinned_cancer_holds_real_cases_in_their_order_and_always_the_same() -> None:
    features, labels = datasets.load_breast_cancer(return_X_y=True)
    whole = [(*row, label) for row, label in zip(features.astype(np.float32).tolist(), labels.tolist(), strict=True)]
    first, again = (BreastCancerSource(0.1).load().train for _ in range(2))
    places = [whole.index((*row, label)) for row, label in zip(first.x.tolist(), first.y.tolist(), strict=True)]
    assert places == sorted(set(places))
    assert torch.equal(first.x, again.x)


def test_ninety_to_ten_holds_in_every_split() -> None:
    data = BreastCancerDataModule(val_size=0.2)
    data.setup()
    for split in (data.train, data.val, data.test):
        assert (split.y == 0).float().mean().item() == pytest.approx(0.1, abs=0.02)


def test_moons_are_scikit_learns() -> None:
    loaded = MoonsSource(n_samples=100, noise=0.25, moons_seed=3).load()
    x, y = datasets.make_moons(100, noise=0.25, random_state=3)
    np.testing.assert_array_equal(loaded.train.x.numpy(), x.astype(np.float32))
    np.testing.assert_array_equal(loaded.train.y.numpy(), y)
    still = MoonsSource(noise=0).load().train
    assert still.x[still.y == 0][:, 1].min() >= -1e-6
    assert loaded.class_names[0] == "upper"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: BreastCancerDataModule(malignant_share=0),
            r"data\.malignant_share must lie in \(0, 0\.372\]; received 0:",
        ),
        (lambda: BreastCancerDataModule(malignant_share=0.5), r"received 0\.5: try data\.malignant_share=0\.1"),
        (lambda: MoonsDataModule(n_samples=3), r"data\.n_samples must be at least 4; received 3"),
        (lambda: MoonsDataModule(noise=-1), r"data\.noise must be at least 0 and finite; received -1"),
        (lambda: MoonsDataModule(noise=float("nan")), r"data\.noise must be at least 0 and finite; received nan"),
        (lambda: MoonsDataModule(moons_seed=-1), r"data\.moons_seed must lie in 0\.\.2\*\*32-1; received -1"),
    ],
)
def test_values_out_of_range_are_refused(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize("word", ["digits", "breast_cancer", "moons"])
@pytest.mark.parametrize(("sampler", "kind"), [("shuffle", ShuffleSampler), ("sequential", SequentialSampler)])
def test_words_compose_with_what_the_build_injects(word: str, sampler: str, kind: type) -> None:
    make_sampler = hydra.utils.instantiate(OmegaConf.load(CONF / "sampler" / f"{sampler}.yaml"))
    config = OmegaConf.load(CONF / "data" / f"{word}.yaml")
    data = hydra.utils.instantiate(config, batch_size=16, seed=2, sampler=make_sampler)
    assert isinstance(data, ArrayDataModule)
    data.prepare_data()
    data.setup()
    assert data.spec.name == word
    loader = data.train_dataloader()
    assert isinstance(loader.sampler, kind)
    x, y = next(iter(loader))
    assert x.shape == (16, *data.spec.input_shape)
    assert y.dtype == torch.int64
    assert data.normaliser(x).isfinite().all()


def test_a_small_network_reads_digits() -> None:
    data = DigitsDataModule(batch_size=32, seed=0)
    data.setup()
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
    )
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    loader = data.train_dataloader()
    for epoch in range(25):
        loader.sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(data.normaliser(x)), y).backward()
            optimizer.step()
    hits = sum((network(data.normaliser(x)).argmax(1) == y).sum().item() for x, y in data.test_dataloader())
    assert hits / data.spec.n_test >= 0.95


def test_the_package_offers_its_names_when_asked() -> None:
    assert set(lit_tricks.data.__all__) <= set(dir(lit_tricks.data))
    assert set(lit_tricks.data.__all__) == set(lit_tricks.data._HOMES)
    with pytest.raises(AttributeError, match=r"module 'lit_tricks\.data' has no attribute 'Digit'"):
        lit_tricks.data.Digit  # noqa: B018
