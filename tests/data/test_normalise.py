from typing import Literal

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from lit_tricks.data import normalise
from lit_tricks.data.normalise import Normaliser
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError


@pytest.fixture
def table() -> torch.Tensor:
    rng = np.random.default_rng(0)
    x = rng.normal([0, 1000, -3, 1e6], [1, 5, 1e-3, 1e4], (257, 4)).astype(np.float32)
    x[:, 2] = 0.1
    return torch.from_numpy(x)


@pytest.fixture
def images() -> torch.Tensor:
    x = torch.randint(0, 256, (301, 2, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    x[:, 0, 0, :2] = 255
    x[:, 1, 4, 3] = 0
    return x


@pytest.mark.parametrize("chunk", [1, 37, 2**18])
@pytest.mark.parametrize(("how", "reference"), [("standard", StandardScaler), ("minmax", MinMaxScaler)])
def test_tables_are_scaled_as_scikit_learn_scales_them(
    table: torch.Tensor,
    how: Literal["standard", "minmax"],
    reference: type,
    chunk: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normalise, "_CHUNK_VALUES", chunk)
    expected = reference().fit_transform(table.double().numpy())
    result = Normaliser.fit(table, how, "table")(table)
    assert result.dtype == torch.float32
    # float32 inputs near 1e6 are spaced .06 apart, 6e-6 of their standard deviation
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-4, atol=2e-5)
    assert (result[:, 2] == 0).all()


@pytest.mark.parametrize("chunk", [1, 1000, 2**18])
def test_pixels_are_standardised_one_by_one(images: torch.Tensor, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalise, "_CHUNK_VALUES", chunk)
    fitted = Normaliser.fit(images, "standard", "image", (0, 255))
    flat = images.numpy().astype(np.float64)
    spread = flat.std(0)
    np.testing.assert_allclose(fitted.shift[0].numpy(), flat.mean(0), rtol=1e-6)
    np.testing.assert_allclose(
        fitted.scale[0].numpy(), np.where(spread > 0, 1 / np.maximum(spread, 1e-9), 1), rtol=1e-6
    )
    result = fitted(images)
    assert result.isfinite().all()
    assert (result[:, 0, 0, :2] == 0).all()
    assert (result[:, 1, 4, 3] == 0).all()


@pytest.mark.parametrize(("how", "kind"), [("standard", "image"), ("minmax", "image"), ("minmax", "table")])
def test_a_view_is_fitted_like_a_copy_of_it(
    images: torch.Tensor, how: Literal["standard", "minmax"], kind: Literal["image", "table"]
) -> None:
    rows = torch.arange(300, 0, -7)
    view = Examples(images, torch.zeros(301, dtype=torch.int64), rows, cast=torch.float32)
    fitted, expected = Normaliser.fit(view, how, kind), Normaliser.fit(images[rows].float(), how, kind)
    assert torch.equal(fitted.shift, expected.shift)
    assert torch.equal(fitted.scale, expected.scale)


def test_images_map_their_value_range_to_the_unit_interval(images: torch.Tensor) -> None:
    result = Normaliser.fit(images, "minmax", "image", (0, 255))(images)
    torch.testing.assert_close(result, images / 255)
    assert result.max() <= 1


def test_images_without_a_range_use_their_extremes() -> None:
    x = torch.rand(50, 1, 3, 3, generator=torch.Generator().manual_seed(0)) * 8 - 3
    torch.testing.assert_close(Normaliser.fit(x, "minmax", "image")(x), (x - x.min()) / (x.max() - x.min()))


def test_none_only_converts(images: torch.Tensor) -> None:
    result = Normaliser.fit(images, "none", "image", (0, 255))(images)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, images.float(), rtol=0, atol=0)


@pytest.mark.parametrize("how", ["standard", "minmax"])
def test_constants_and_tiny_spreads_survive(how: Literal["standard", "minmax"]) -> None:
    x = torch.tensor([[0.1, 1e-42, 7.0], [0.1, 0.0, 7.0], [0.1, 0.0, 7.0]])
    fitted = Normaliser.fit(x, how, "table")
    torch.testing.assert_close(fitted.scale, torch.ones(1, 3), rtol=0, atol=0)
    torch.testing.assert_close(fitted(x), torch.zeros(3, 3), rtol=0, atol=1e-41)


def test_a_constant_image_set_survives_minmax() -> None:
    x = torch.full((4, 1, 2, 2), 9, dtype=torch.uint8)
    assert (Normaliser.fit(x, "minmax", "image")(x) == 0).all()


def test_the_input_is_left_alone(table: torch.Tensor) -> None:
    before = table.clone()
    Normaliser.fit(table, "standard", "table")(table)
    assert torch.equal(table, before)


def test_gradients_reach_the_input(table: torch.Tensor) -> None:
    fitted = Normaliser.fit(table, "standard", "table")
    x = table[:3].clone().requires_grad_()
    fitted(x).sum().backward()
    torch.testing.assert_close(x.grad, fitted.scale.expand(3, 4))


@pytest.mark.parametrize("how", ["standard", "minmax", "none"])
def test_an_empty_normaliser_takes_the_state_of_any_fitted_one(
    images: torch.Tensor, how: Literal["standard", "minmax", "none"]
) -> None:
    fitted = Normaliser.fit(images, how, "image", (0, 255))
    rebuilt = Normaliser.empty((2, 5, 4))
    rebuilt.load_state_dict(fitted.state_dict())
    assert torch.equal(rebuilt(images), fitted(images))
    assert set(fitted.state_dict()) == {"shift", "scale"}


def test_an_unknown_way_is_refused(table: torch.Tensor) -> None:
    with pytest.raises(UserError, match=r"one of minmax, standard, none; received 'zscore': try data\.normalise="):
        Normaliser.fit(table, "zscore", "table")  # type: ignore[arg-type]
