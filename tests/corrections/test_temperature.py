"""Temperatures, against torch's losses and an independent minimisation."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lit_tricks.corrections.temperature import fit_temperature, negative_log_likelihood

GENERATOR = np.random.default_rng(0)
TRUE = GENERATOR.normal(0, 1.5, (4000, 4))


CHANCES = np.exp(TRUE) / np.exp(TRUE).sum(1, keepdims=True)
LABELS = (CHANCES.cumsum(1) > GENERATOR.uniform(size=(len(TRUE), 1))).argmax(1)
WEIGHTS = GENERATOR.uniform(0.2, 1.8, len(TRUE))


def reference(drives: np.ndarray, link: str, temperature: float) -> float:
    z, y = torch.tensor(drives) / temperature, torch.tensor(LABELS)
    if link == "softmax":
        losses = F.cross_entropy(z, y, reduction="none")
    else:
        losses = F.binary_cross_entropy_with_logits(z, F.one_hot(y, 4).double(), reduction="none").mean(1)
    return float((losses * torch.tensor(WEIGHTS)).mean())


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_likelihoods_are_torchs_losses(link, temperature) -> None:
    for drives in (TRUE, 400 * TRUE):
        found = negative_log_likelihood(drives, LABELS, link, WEIGHTS, temperature)
        assert found == pytest.approx(reference(drives, link, temperature), rel=1e-12)


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_minimum_is_that_of_l_bfgs(link, factor) -> None:
    z, y = torch.tensor(factor * TRUE), torch.tensor(LABELS)
    inverse = torch.ones((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([inverse], max_iter=100, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        if link == "softmax":
            value = F.cross_entropy(z * inverse, y)
        else:
            value = F.binary_cross_entropy_with_logits(z * inverse, F.one_hot(y, 4).double())
        value.backward()
        return value

    optimizer.step(loss)
    found = fit_temperature(factor * TRUE, LABELS, link, np.ones(len(TRUE)))
    assert found == pytest.approx(1 / inverse.item(), rel=1e-4)


def test_the_factor_by_which_a_network_is_too_sure_is_found() -> None:
    assert fit_temperature(3 * TRUE, LABELS, "softmax", np.ones(len(TRUE))) == pytest.approx(3, rel=0.05)


def test_weights_are_repetitions() -> None:
    times = GENERATOR.integers(0, 3, len(TRUE))
    repeated = np.repeat(np.arange(len(TRUE)), times)
    expected = fit_temperature(TRUE[repeated], LABELS[repeated], "softmax", np.ones(len(repeated)))
    assert fit_temperature(TRUE, LABELS, "softmax", times / times.mean()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_there_is_none_where_all_are_right_or_all_are_wrong(sign, link) -> None:
    drives = sign * np.array([[2.0, -2.0], [-1.0, 1.0]])
    assert fit_temperature(drives, np.array([0, 1]), link, np.ones(2)) is None
