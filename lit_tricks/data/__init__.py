"""Data: sources, splitting, normalisation, samplers, batches and the data modules."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lit_tricks.data.arrays import NPYDataModule, NPZDataModule
    from lit_tricks.data.datamodule import ArrayDataModule
    from lit_tricks.data.embedded import (
        BreastCancerDataModule,
        BreastCancerSource,
        DigitsDataModule,
        DigitsSource,
        MoonsDataModule,
        MoonsSource,
    )
    from lit_tricks.data.images import ImageFolderDataModule
    from lit_tricks.data.inputs import read_inputs
    from lit_tricks.data.intensity import MNISTIntensityDataModule, MNISTIntensitySource
    from lit_tricks.data.loader import BatchLoader
    from lit_tricks.data.mnist import FashionMNISTDataModule, MNISTDataModule, MNISTSource
    from lit_tricks.data.normalise import Normaliser
    from lit_tricks.data.samplers import Sampler, SequentialSampler, ShuffleSampler
    from lit_tricks.data.source import Examples, Loaded, Source
    from lit_tricks.data.spec import DataSpec
    from lit_tricks.data.table import CSVDataModule

# Names are imported when first used: one data word must not pay for the imports of the others.
_HOMES = {
    "ArrayDataModule": "datamodule",
    "BatchLoader": "loader",
    "BreastCancerDataModule": "embedded",
    "BreastCancerSource": "embedded",
    "CSVDataModule": "table",
    "DataSpec": "spec",
    "DigitsDataModule": "embedded",
    "DigitsSource": "embedded",
    "Examples": "source",
    "FashionMNISTDataModule": "mnist",
    "ImageFolderDataModule": "images",
    "Loaded": "source",
    "MNISTDataModule": "mnist",
    "MNISTIntensityDataModule": "intensity",
    "MNISTIntensitySource": "intensity",
    "MNISTSource": "mnist",
    "MoonsDataModule": "embedded",
    "MoonsSource": "embedded",
    "NPYDataModule": "arrays",
    "NPZDataModule": "arrays",
    "Normaliser": "normalise",
    "Sampler": "samplers",
    "SequentialSampler": "samplers",
    "ShuffleSampler": "samplers",
    "Source": "source",
    "read_inputs": "inputs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


__all__ = [
    "ArrayDataModule",
    "BatchLoader",
    "BreastCancerDataModule",
    "BreastCancerSource",
    "CSVDataModule",
    "DataSpec",
    "DigitsDataModule",
    "DigitsSource",
    "Examples",
    "FashionMNISTDataModule",
    "ImageFolderDataModule",
    "Loaded",
    "MNISTDataModule",
    "MNISTIntensityDataModule",
    "MNISTIntensitySource",
    "MNISTSource",
    "MoonsDataModule",
    "MoonsSource",
    "NPYDataModule",
    "NPZDataModule",
    "Normaliser",
    "Sampler",
    "SequentialSampler",
    "ShuffleSampler",
    "Source",
    "read_inputs",
]
