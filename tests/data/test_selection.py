"""Some classes of a data set are a data set of their own."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from lit_tricks.data import DigitsDataModule, MNISTDataModule, MNISTSource
from lit_tricks.data.embedded import DigitsSource
from lit_tricks.errors import UserError


def test_chosen_classes_keep_their_examples_under_new_numbers() -> None:
    images, labels = load_digits(return_X_y=True)
    loaded = DigitsSource([7, 3]).load()
    kept = np.isin(labels, [7, 3])
    np.testing.assert_array_equal(loaded.train.x.flatten(1), images[kept])
    np.testing.assert_array_equal(loaded.train.y, (labels[kept] == 3).astype(int))
    assert loaded.class_names == ("7", "3")


def test_a_data_module_trains_on_the_chosen_classes_alone() -> None:
    datamodule = DigitsDataModule([5, 6, 7], batch_size=16)
    datamodule.setup()
    assert datamodule.spec.class_names == ("5", "6", "7")
    assert datamodule.spec.n_train + datamodule.spec.n_val + datamodule.spec.n_test == 182 + 181 + 179
    labels = torch.cat([y for _, y in datamodule.train_dataloader()])
    assert labels.unique().tolist() == [0, 1, 2]


def test_mnists_files_give_the_chosen_digits_of_both_splits(data_root) -> None:
    whole, some = MNISTSource(data_root).load(), MNISTSource(data_root, classes=[4, 9]).load()
    kept = np.flatnonzero(np.isin(whole.test.y.numpy(), [4, 9]))
    assert torch.equal(some.test.x, whole.test.take(kept).x)
    assert torch.equal(some.test.y, (whole.test.take(kept).y == 9).long())
    # 5,842 fours and 5,949 nines in the training files
    assert torch.bincount(some.train.y).tolist() == [5842, 5949]


@pytest.mark.parametrize("classes", [[], [3], [3, 3], [3, 10], [-1, 3]])
def test_other_choices_are_refused(classes: list[int]) -> None:
    for make in (DigitsDataModule, lambda chosen: MNISTDataModule(classes=chosen)):
        with pytest.raises(UserError, match=r"data\.classes must be at least two different numbers from 0 to 9"):
            make(classes)
