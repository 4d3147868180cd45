"""Examples planted in two splits are found, exact ones all, near ones through noise; distinct ones are not."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lit_tricks.commandline.entry import main
from lit_tricks.data import BreastCancerDataModule, DigitsDataModule, MNISTDataModule, Normaliser
from lit_tricks.data import duplicates as module
from lit_tricks.data.duplicates import find_duplicates
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError
from lit_tricks.split_check import check_duplicates


def images(count: int, seed: int) -> torch.Tensor:
    """Return smooth random pictures, (count, 1, 16, 16) ``uint8``."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 1, 4, 4, generator=generator)
    return (torch.nn.functional.interpolate(coarse, 16, mode="bicubic").clamp(0, 1) * 200).to(torch.uint8)


def labels(count: int) -> torch.Tensor:
    return torch.arange(count) % 2


def test_planted_images_are_found_and_no_others() -> None:
    train, test = images(300, 0), images(100, 1)
    generator = torch.Generator().manual_seed(2)
    test[:10] = train[50:60]
    noise = torch.randn(10, 1, 16, 16, generator=generator) * 2
    test[10:20] = (train[80:90] + noise).round().clamp(0, 255).to(torch.uint8)
    test[20:30] = (train[100:110] * 0.7 + 20).round().to(torch.uint8)
    y = labels(100)
    y[:3] = 1 - labels(300)[50:53]
    y[3:10] = labels(300)[53:60]
    splits = {
        "train": Examples(train, labels(300)),
        "val": Examples(images(0, 3), labels(0)),
        "test": Examples(test, y),
    }
    normaliser = Normaliser.fit(train, "minmax", "image", (0, 255))
    (exact,) = find_duplicates(splits, normaliser, "image")
    assert (exact.split, exact.among, exact.exact, exact.contradicting, exact.near) == ("test", "train", 10, 3, None)
    (near,) = find_duplicates(splits, normaliser, "image", "near")
    assert (near.exact, near.near, near.asked, near.searched) == (10, 20, 100, 300)


def test_planted_rows_of_a_wide_table_are_found_whatever_the_units() -> None:
    rng = np.random.default_rng(0)
    scales = 10.0 ** rng.uniform(-3, 3, 90)
    train, test = (torch.from_numpy((rng.normal(size=(n, 90)) * scales).astype(np.float32)) for n in (400, 50))
    test[:5] = train[:5]
    test[5:9] = train[5:9] * (1 + 1e-4)
    splits = {"train": Examples(train, labels(400)), "test": Examples(test, labels(50))}
    (found,) = find_duplicates(splits, Normaliser.fit(train, "standard", "table"), "table", "near")
    assert (found.exact, found.near) == (5, 4)


@pytest.mark.parametrize("make", [DigitsDataModule, lambda: BreastCancerDataModule(normalise="standard")])
def test_real_data_have_none(make) -> None:
    data = make()
    data.setup()
    splits = {"train": data.train, "val": data.val, "test": data.test}
    found = find_duplicates(splits, data.normaliser, data.spec.kind, "near")
    assert [(each.split, each.among) for each in found] == [("val", "train"), ("test", "train"), ("test", "val")]
    assert not any(each.exact or each.near for each in found)


def test_mnist_has_none_nearly_alike_but_planted_ones(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ASKED", 300)
    monkeypatch.setattr(module, "MOST_SEARCHED", 3000)
    data = MNISTDataModule(data_dir=data_root)
    data.setup()
    splits = {"train": data.train.take(np.arange(3000)), "test": data.test}
    (found,) = find_duplicates(splits, data.normaliser, "image", "near")
    assert (found.near, found.asked, found.searched) == (0, 300, 3000)


def test_a_run_says_what_it_shares_and_writes_it_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(60, 3))
    np.savez(tmp_path / "twice.npz", x=np.concatenate([rows, rows]).astype(np.float32), y=np.arange(120) % 2)
    words = ["data=npz", f"data.path='{tmp_path / 'twice.npz'}'", "trainer.max_epochs=1", "logger=none", "trainer=cpu"]
    assert main([*words, "duplicates=near", "pictures=false", f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    found = json.loads((tmp_path / "run" / "results.json").read_text())["duplicates"]
    (pair,) = [each for each in found if (each["split"], each["among"]) == ("test", "train")]
    assert pair["exact"] > 5
    said = capsys.readouterr().out
    assert f"duplicates: {pair['exact']} of 24 test examples are in train too" in said
    assert "looked for exact and near ones across train, val, test" in said


def test_a_word_there_is_not_and_data_of_another_make_are_refused() -> None:
    with pytest.raises(UserError, match="must be one of none, exact, near; received 'all': try duplicates=near"):
        check_duplicates("all", DigitsDataModule())
    with pytest.raises(UserError, match="splits are made here"):
        check_duplicates("near", object())  # type: ignore[arg-type]
