import math

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime

from lit_tricks.errors import UserError
from lit_tricks.optim import Constant, Exponential, Plateau, StepDecay
from lit_tricks.studies.beale import MINIMUM, beale
from lit_tricks.studies.descent import descend


def bowl(point: torch.Tensor) -> torch.Tensor:
    return (point**2).sum()


def sgd(parameters, lr: float = 0.1) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=lr)


def test_beale_has_its_minimum_of_0_at_3_and_a_half() -> None:
    at = torch.tensor(MINIMUM, dtype=torch.float64, requires_grad=True)
    value = beale(at)
    assert MINIMUM == (3, 0.5)
    assert value.item() == 0
    assert torch.autograd.grad(value, at)[0].abs().max() == 0
    around = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + at.detach()
    assert (beale(around.T) > 0).all()


@pytest.mark.parametrize("point", [(0.8, 1.6), (-1.0, -2.0), (2.5, 0.4)])
def test_beales_gradient_is_that_of_finite_differences(point: tuple[float, float]) -> None:
    at = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(beale(at), at)
    expected = approx_fprime(np.array(point), lambda p: float(beale(tuple(p))), 1e-7)
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-4)


def test_a_descent_records_every_point_value_slope_and_rate() -> None:
    descent = descend(bowl, [3.0, -4.0], sgd, 3)
    points = np.array([[3.0, -4.0]]) * 0.8 ** np.arange(4)[:, None]
    np.testing.assert_allclose(descent.points, points)
    np.testing.assert_allclose(descent.values, (points**2).sum(1))
    np.testing.assert_allclose(descent.slopes, 2 * np.sqrt((points**2).sum(1)))
    np.testing.assert_allclose(descent.distances((0, 0)), 5 * 0.8 ** np.arange(4))
    assert descent.rates.tolist() == [0.1] * 3
    assert (descent.steps, descent.diverged) == (3, False)


def test_a_path_that_leaves_float32_ends_there() -> None:
    descent = descend(bowl, [1.0], lambda parameters: sgd(parameters, lr=1e8), 100)
    assert descent.diverged
    assert 0 < descent.steps < 100
    assert np.isfinite(descent.points).all()
    assert descent.values.max() <= np.finfo(np.float32).max
    assert len(descent.points) == len(descent.values) == descent.steps + 1


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Constant(), [0.1] * 4),
        (Exponential(decay_rate=0.5, decay_steps=2), [0.1 * 0.5 ** (s / 2) for s in range(4)]),
        (StepDecay(gamma=0.5, step_epochs=2), [0.1, 0.1, 0.05, 0.05]),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_schedule_sets_each_steps_rate(schedule, rates: list[float]) -> None:
    np.testing.assert_allclose(descend(bowl, [1.0], sgd, 4, schedule).rates, rates)


def test_a_plateau_is_judged_by_the_functions_values() -> None:
    level = descend(lambda point: 0 * point.sum(), [1.0], sgd, 4, Plateau(patience=1))
    np.testing.assert_allclose(level.rates, [0.1, 0.1, 0.1, 0.01])
    np.testing.assert_allclose(descend(bowl, [1.0], sgd, 4, Plateau(patience=1)).rates, [0.1] * 4)


def test_an_optimizer_that_looks_around_gets_its_closure() -> None:
    descent = descend(beale, (2.0, 0.2), lambda p: torch.optim.LBFGS(p, line_search_fn="strong_wolfe"), 5)
    assert descent.distances(MINIMUM)[-1] < 1e-5


@pytest.mark.parametrize("start", [[0.0], [-1.0]])
def test_a_start_without_a_finite_value_is_refused(start: list[float]) -> None:
    with pytest.raises(UserError, match="must start where the function and its slope are finite"):
        descend(lambda point: point.log().sum(), start, sgd, 1)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (sgd, "SGD, rate 0.1"),
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), "SGD, momentum 0.9, rate 0.1"),
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), "SGD, Nesterov 0.9, rate 0.1"),
        (torch.optim.Adam, "Adam, rate 0.001"),
    ],
)
def test_a_path_says_what_took_it(make, expected: str) -> None:
    assert descend(bowl, [1.0], make, 1).settings() == expected


def test_a_falling_rate_is_told_by_its_ends() -> None:
    assert (
        descend(bowl, [1.0], sgd, 3, Exponential(decay_rate=0.1, decay_steps=1)).settings() == "SGD, rate 0.1 to 0.001"
    )
    assert math.isclose(descend(bowl, [1.0], sgd, 3, Exponential(decay_rate=0.1, decay_steps=1)).rates[-1], 0.001)
