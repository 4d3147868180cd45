from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lit_tricks.data.idx_source import FILES
from lit_tricks.data.mnist import (
    FASHION_MNIST,
    MNIST,
    FashionMNISTDataModule,
    FashionMNISTSource,
    MNISTDataModule,
    MNISTSource,
)
from lit_tricks.errors import UserError

SOURCES = {"mnist": MNISTSource, "fashion_mnist": FashionMNISTSource}


@pytest.mark.parametrize("edition", [MNIST, FASHION_MNIST], ids=lambda edition: edition.name)
def test_edition_is_complete(edition):
    assert list(edition.sha256) == list(FILES)
    assert all(len(sha256) == 64 for sha256 in edition.sha256.values())
    assert len(set(edition.class_names)) == 10
    assert len(set(edition.mirrors)) >= 2


def test_editions_share_no_content_and_no_folder():
    assert not set(MNIST.sha256.values()) & set(FASHION_MNIST.sha256.values())
    assert not set(MNIST.folders) & set(FASHION_MNIST.folders)


@pytest.mark.parametrize(
    ("word", "pixel_mean", "train_counts"),
    [
        # Means of pixel / 255 over the training images as every tutorial on these sets normalises with.
        ("mnist", 0.1307, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
        ("fashion_mnist", 0.2860, [6000] * 10),
    ],
)
def test_real_files(data_root, word, pixel_mean, train_counts):
    source = SOURCES[word](data_root)
    source.prepare()
    loaded = source.load()
    assert loaded.train.x.shape == (60_000, 1, 28, 28)
    assert loaded.test.x.shape == (10_000, 1, 28, 28)
    assert loaded.train.x.dtype == torch.uint8
    assert loaded.train.y.dtype == torch.int64
    assert loaded.train.y.bincount().tolist() == train_counts
    assert loaded.train.x.sum().item() / (255 * loaded.train.x.numel()) == pytest.approx(pixel_mean, abs=5e-5)
    assert len(loaded.class_names) == 10


@pytest.mark.parametrize("word", SOURCES)
def test_real_files_of_the_two_sets_are_told_apart_in_a_shared_folder(data_root, tmp_path, word, closed_mirrors):
    for name in FILES:
        (tmp_path / f"{name}.gz").symlink_to(data_root / word / f"{name}.gz")
    other = next(name for name in SOURCES if name != word)
    assert len(SOURCES[word](tmp_path).load().train) == 60_000
    with pytest.raises(UserError, match=r"passed over \S+/train-images-idx3-ubyte\.gz, which is"):
        SOURCES[other](tmp_path, closed_mirrors).prepare()


@pytest.mark.parametrize(
    ("module_class", "word", "names"),
    [
        (MNISTDataModule, "mnist", MNIST.class_names),
        (FashionMNISTDataModule, "fashion_mnist", FASHION_MNIST.class_names),
    ],
)
def test_data_module_keeps_the_official_test_split(
    data_root: Path, module_class: Callable[..., MNISTDataModule], word: str, names: tuple[str, ...]
):
    module = module_class(data_root, batch_size=100, val_size=10_000, val_split="first")
    module.prepare_data()
    module.setup("fit")
    loaded = SOURCES[word](data_root).load()
    spec = module.spec
    assert (spec.name, spec.kind, spec.input_shape, spec.class_names) == (word, "image", (1, 28, 28), names)
    assert (spec.n_train, spec.n_val, spec.n_test) == (50_000, 10_000, 10_000)
    assert torch.equal(module.test.x, loaded.test.x)
    assert torch.equal(module.val.x, loaded.train.x[:10_000])
    x, y = next(iter(module.train_dataloader()))
    assert (x.shape, x.dtype) == ((100, 1, 28, 28), torch.uint8)
    assert (y.shape, y.dtype) == ((100,), torch.int64)
    torch.testing.assert_close(module.normaliser(x), x.float() / 255)


def test_data_module_without_files_fails_with_one_message(tmp_path, closed_mirrors):
    module = FashionMNISTDataModule(tmp_path, closed_mirrors)
    with pytest.raises(UserError, match="Fashion-MNIST's train-images-idx3-ubyte was not found"):
        module.prepare_data()
