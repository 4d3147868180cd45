import numpy as np
import torch

from lit_tricks.report.figures import augmentation_grid, save_figure


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def grid(targets, **more):
    given = {"originals": np.zeros((2, 1, 8, 8), np.uint8), "versions": torch.zeros(3, 2, 1, 8, 8), "labels": [4, 0]}
    names = ["cat", "dog", "cow", "hen", "pig"]
    return augmentation_grid(**given, targets=targets, class_names=names, value_range=(0, 255), **more)


def test_originals_are_named_and_nothing_else_when_classes_stay(tmp_path):
    figure = grid(torch.tensor([[4, 0]] * 3), steps=["flip"])
    save_figure(figure, tmp_path / "grid.png")
    assert texts(figure) == ["pig", "cat"]
    assert figure.get_suptitle() == "Training images (left) after flip"


def test_mixed_classes_are_named_with_their_shares(tmp_path):
    shares = torch.zeros(3, 2, 5)
    shares[:, 0, 4] = shares[:, 1, 0] = 1
    shares[0, 0] = torch.tensor([0.0, 0.3, 0.0, 0.0, 0.7])
    shares[1, 1] = torch.tensor([0.5, 0.1, 0.4, 0.0, 0.0])
    figure = grid(shares, steps=["random_crop", "mixup", "cutmix"])
    save_figure(figure, tmp_path / "grid.png")
    first = ["pig", "pig 70%", "dog 30%", "pig", "pig"]
    assert texts(figure) == [*first, "cat", "cat", "cat 50%", "cow 40% + 10%", "cat"]
    assert figure.get_suptitle() == "Training images (left) after random crop, mixup and cutmix"


def test_each_row_shows_one_image_and_its_versions(tmp_path):
    originals = np.full((2, 1, 8, 8), 10, np.uint8)
    originals[1] = 20
    versions = torch.stack([torch.full((2, 1, 8, 8), 60.0), torch.full((2, 1, 8, 8), 110.0)])
    versions[:, 1] += 10
    figure = augmentation_grid(originals, versions, [0, 1], [[0, 1]] * 2, ["a", "b"], ["colour"], (0, 255))
    dots = next(artist for artist in figure.axes[0].get_children() if hasattr(artist, "pixels")).pixels
    shades = [int(shade) for shade in dict.fromkeys(dots[:, :, 0].flatten().tolist()) if shade != 255]
    assert shades == [10, 60, 110, 20, 70, 120]
