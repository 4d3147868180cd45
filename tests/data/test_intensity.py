import numpy as np
import pytest

from lit_tricks.data import MNISTIntensityDataModule, MNISTIntensitySource, MNISTSource
from lit_tricks.errors import UserError


def test_features_are_the_means_of_image_and_window(data_root):
    images = MNISTSource(data_root).load().test
    described = MNISTIntensitySource([0, 1], data_root).load().test
    kept = np.flatnonzero(np.isin(images.y.numpy(), [0, 1]))
    pixels = images.take(kept).x.numpy()[:, 0] / 255
    assert described.x.shape == (2115, 2)
    np.testing.assert_allclose(described.x[:, 0], pixels.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(described.x[:, 1], pixels[:, 10:18, 11:17].mean((1, 2)), rtol=1e-5)
    np.testing.assert_array_equal(described.y, images.y.numpy()[kept])


def test_classes_are_numbered_in_the_order_given(data_root):
    datamodule = MNISTIntensityDataModule([7, 3], data_root, val_size=0)
    datamodule.setup()
    assert datamodule.spec.class_names == ("7", "3")
    # 6,265 sevens and 6,131 threes in the training files
    assert datamodule.spec.class_counts == (6265, 6131)


@pytest.mark.parametrize("classes", [[0], [1, 1], [3, 10], []])
def test_other_classes_are_refused(classes):
    with pytest.raises(UserError, match=r"data\.classes must be at least two different numbers from 0 to 9"):
        MNISTIntensitySource(classes)
