"""MNIST and Fashion-MNIST."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from lit_tricks.data.datamodule import ArrayDataModule, Options
from lit_tricks.data.idx_source import FILES, Edition, IdxSource

MNIST = Edition(
    name="mnist",
    title="MNIST",
    class_names=tuple("0123456789"),
    sha256=dict(
        zip(
            FILES,
            (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
            strict=True,
        )
    ),
    folders=("mnist", "mnist/raw", "MNIST/raw", "MNIST"),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ),
)
FASHION_MNIST = Edition(
    name="fashion_mnist",
    title="Fashion-MNIST",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    sha256=dict(
        zip(
            FILES,
            (
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
            strict=True,
        )
    ),
    folders=(
        "fashion_mnist",
        "fashion_mnist/raw",
        "FashionMNIST/raw",
        "FashionMNIST",
        "fashion-mnist",
        "fashion-mnist/data/fashion",
        "fashion",
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    ),
)


class MNISTSource(IdxSource):
    """LeCun, Cortes and Burges' handwritten digits: 60,000 + 10,000 images of 28 × 28, classes 0-9."""

    def __init__(
        self,
        data_dir: str | Path | None = None,
        mirrors: Sequence[str] | None = None,
        classes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(MNIST, data_dir, mirrors, others=(FASHION_MNIST,), classes=classes)


class FashionMNISTSource(IdxSource):
    """Xiao, Rasul and Vollgraf's (2017) articles of clothing: 60,000 + 10,000 images of 28 × 28, 10 classes."""

    def __init__(
        self,
        data_dir: str | Path | None = None,
        mirrors: Sequence[str] | None = None,
        classes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(FASHION_MNIST, data_dir, mirrors, others=(MNIST,), classes=classes)


class MNISTDataModule(ArrayDataModule):
    """MNIST, split and batched by ``ArrayDataModule``, which takes every further keyword."""

    def __init__(
        self,
        data_dir: str | Path | None = None,
        mirrors: Sequence[str] | None = None,
        classes: Sequence[int] | None = None,
        **common: Unpack[Options],
    ) -> None:
        super().__init__(MNISTSource(data_dir, mirrors, classes), **common)


class FashionMNISTDataModule(ArrayDataModule):
    """Fashion-MNIST, split and batched by ``ArrayDataModule``, which takes every further keyword."""

    def __init__(
        self,
        data_dir: str | Path | None = None,
        mirrors: Sequence[str] | None = None,
        classes: Sequence[int] | None = None,
        **common: Unpack[Options],
    ) -> None:
        super().__init__(FashionMNISTSource(data_dir, mirrors, classes), **common)
