"""Masked regions stay hidden whatever acts on an image."""

import pytest
import torch
from training import make_module

from lit_tricks.data import DigitsDataModule
from lit_tricks.data.augmentation import Affine, Augmentation, CutMix, Flip, RandomCrop
from lit_tricks.data.masking import regions_of
from lit_tricks.errors import UserError
from lit_tricks.models import MLP
from lit_tricks.transfer import Frozen

SHAPE = (1, 8, 8)
CARRYING = {"flip": Flip(SHAPE, 1.0), "crop": RandomCrop(SHAPE, padding=3)}


@pytest.mark.parametrize(
    ("masked", "regions"),
    [
        (None, ()),
        ([0, 1, 2, 3], ((0, 1, 2, 3),)),
        ([[0, 1, 2, 3]], ((0, 1, 2, 3),)),
        ([[0, 1, 2, 3], [4, 4, 1, 1]], ((0, 1, 2, 3), (4, 4, 1, 1))),
    ],
)
def test_one_region_or_several_are_read(masked, regions):
    assert regions_of(masked) == regions


@pytest.mark.parametrize(
    "masked", [[], [[]], [[0, 0, 1, 1], [0, 0, 1]], [[0, 0, 1, 1], 3], ["0011"], "0011", [[[0, 0, 1, 1]]]]
)
def test_what_is_no_list_of_regions_is_refused(masked):
    with pytest.raises(UserError, match=r"data\.masked_region must be \[top, left, height, width\].*or a list"):
        regions_of(masked)


def test_all_regions_are_hidden_and_the_second_must_fit_too():
    data = DigitsDataModule(masked_region=[[0, 0, 2, 2], [5, 6, 3, 2]])
    data.setup()
    hidden = data.normaliser(torch.full((1, *SHAPE), 16.0))[0, 0] == 0
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[:2, :2] = expected[5:, 6:] = True
    assert torch.equal(hidden, expected)
    with pytest.raises(UserError, match=r"inside 8 x 8 pixels; received \[7, 0, 2, 2\]"):
        DigitsDataModule(masked_region=[[0, 0, 2, 2], [7, 0, 2, 2]]).setup()


@pytest.mark.parametrize("low", [0.0, -3.0])
def test_augmentation_carries_nothing_out_of_a_masked_region(low):
    images = torch.full((500, *SHAPE), low)
    images[..., :2, :2] = 16.0
    untouched = images.clone()
    sizes, labels = [250, 250], torch.arange(500) % 10
    steps = {**CARRYING, "affine": Affine(SHAPE, 90.0, 0.4), "cutmix": CutMix(SHAPE, 10)}
    carried, _ = Augmentation(CARRYING, 0, (low, 16.0))(images, labels, sizes, 0, 0)
    assert (carried[..., 2:, 2:] == 16.0).any(), "without the mask the spot goes elsewhere"
    hidden, _ = Augmentation(steps, 0, (low, 16.0), regions_of([0, 0, 2, 2]))(images, labels, sizes, 0, 0)
    assert hidden.max() <= 1e-4, "what a step leaves empty is 0"
    assert torch.equal(images, untouched), "the raw batch may be the store itself"


@pytest.mark.parametrize("value_range", [None, (0.0, 16.0)])
def test_what_a_network_is_trained_on_does_not_depend_on_a_masked_region(value_range):
    """Neither in training, whose batches are augmented, nor in evaluation and prediction."""
    data = DigitsDataModule(masked_region=[0, 0, 2, 2])
    module = make_module(data)
    module.augmentation = Augmentation(CARRYING, 0, value_range, data.masked)
    x, y = data.train.x[:60], data.train.y[:60]
    other = x.clone()
    other[..., :2, :2] = 16 - other[..., :2, :2]
    for first, second in zip(module.prepared(x, y, [30, 30], 0), module.prepared(other, y, [30, 30], 0), strict=True):
        assert torch.equal(first[0], second[0])
    assert torch.equal(module(x), module(other))
    assert torch.equal(module.predict_step((x, y), 0), module.predict_step((other, y), 0))


def test_a_source_whose_statistics_are_reused_does_not_uncover_the_region(tmp_path):
    data = DigitsDataModule(masked_region=[0, 0, 2, 2])
    module = make_module(data)
    network, spec = MLP(SHAPE, 10, hidden=[16]), module.spec
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    state |= {"normaliser.shift": torch.zeros(1, *SHAPE), "normaliser.scale": torch.ones(1, *SHAPE)}
    torch.save({"state_dict": state, "hyper_parameters": {"data_spec": spec.to_dict()}}, tmp_path / "source.ckpt")
    Frozen(str(tmp_path / "source.ckpt"), statistics="source").adopt(module)
    x = module.normaliser(torch.full((1, *SHAPE), 16.0))
    assert (x[..., :2, :2] == 0).all()
    assert (x[..., 2:, 2:] == 16).all()
