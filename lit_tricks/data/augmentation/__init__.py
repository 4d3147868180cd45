"""Augmentation: random changes of training batches."""

from lit_tricks.data.augmentation.affine import Affine
from lit_tricks.data.augmentation.colour import Colour
from lit_tricks.data.augmentation.crop import Flip, RandomCrop
from lit_tricks.data.augmentation.erasing import RandomErasing
from lit_tricks.data.augmentation.mixes import CutMix, MixUp
from lit_tricks.data.augmentation.pipeline import Augmentation
from lit_tricks.data.augmentation.transformation import Stage, Transformation

__all__ = [
    "Affine",
    "Augmentation",
    "Colour",
    "CutMix",
    "Flip",
    "MixUp",
    "RandomCrop",
    "RandomErasing",
    "Stage",
    "Transformation",
]
