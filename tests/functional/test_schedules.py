import math

import pytest
import torch
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LRScheduler,
    StepLR,
)

from lit_tricks.functional.schedules import (
    constant,
    cosine,
    exponential,
    inverse_time,
    triangular,
    warm_restarts,
    warmed,
)


def torch_rates(scheduler: type[LRScheduler], steps: int, **knobs: object) -> list[float]:
    """Return the rates of torch's scheduler for an optimizer at rate 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = scheduler(optimizer, **knobs)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def test_exponential_is_torchs_in_both_forms() -> None:
    smooth = [exponential(step, 0.96, 7) for step in range(30)]
    assert smooth == pytest.approx(torch_rates(ExponentialLR, 30, gamma=0.96 ** (1 / 7)))
    stairs = [exponential(step, 0.96, 7, staircase=True) for step in range(30)]
    assert stairs == pytest.approx(torch_rates(StepLR, 30, step_size=7, gamma=0.96))


def test_exponential_of_the_lecture_drops_once_in_100000_steps() -> None:
    rates = [0.1 * exponential(step, 0.96, 100_000, staircase=True) for step in (0, 99_999, 100_000, 200_000)]
    assert rates == pytest.approx([0.1, 0.1, 0.096, 0.09216])


def test_inverse_time_is_the_published_formula() -> None:
    assert [inverse_time(step, 0.5, 4) for step in (0, 2, 4, 8)] == pytest.approx([1, 1 / 1.25, 1 / 1.5, 1 / 2])
    stairs = [inverse_time(step, 0.5, 4, staircase=True) for step in (0, 3, 4, 7, 8)]
    assert stairs == pytest.approx([1, 1, 1 / 1.5, 1 / 1.5, 1 / 2])


def test_triangular_is_torchs() -> None:
    expected = torch_rates(CyclicLR, 40, base_lr=0.1, max_lr=0.9, step_size_up=6, cycle_momentum=False)
    assert [triangular(step, 0.1, 0.9, 6) for step in range(40)] == pytest.approx(expected)


def test_cosine_is_torchs_and_stays_down() -> None:
    expected = torch_rates(CosineAnnealingLR, 21, T_max=20, eta_min=0.05)
    assert [cosine(step, 20, 0.05) for step in range(21)] == pytest.approx(expected)
    assert cosine(35, 20, 0.05) == 0.05


@pytest.mark.parametrize("t_mult", [1, 2, 3])
def test_warm_restarts_are_torchs(t_mult: int) -> None:
    expected = torch_rates(CosineAnnealingWarmRestarts, 60, T_0=5, T_mult=t_mult, eta_min=0.01)
    assert [warm_restarts(step, 5, float(t_mult), 1.0, 0.01) for step in range(60)] == pytest.approx(expected)


@pytest.mark.parametrize("t_mult", [1.0, 1.5])
def test_each_warm_restart_is_lower_by_m_mul(t_mult: float) -> None:
    expected, length, height = [], 4.0, 1.0
    start = 0.0
    for step in range(30):
        while step >= start + length:
            start, length, height = start + length, length * t_mult, height * 0.8
        expected.append(0.1 + 0.9 * height * (1 + math.cos(math.pi * (step - start) / length)) / 2)
    assert [warm_restarts(step, 4, t_mult, 0.8, 0.1) for step in range(30)] == pytest.approx(expected)


def test_warm_up_climbs_in_a_line_to_the_first_value_that_then_follows() -> None:
    rates = [warmed(step, lambda s: 0.5 - s, 4) for step in range(6)]
    assert rates == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.5, -0.5])


def test_neutral_values_change_nothing() -> None:
    steps = range(25)
    assert {warmed(step, constant, 0) for step in steps} == {1.0}
    assert {exponential(step, 1.0, 3) for step in steps} == {1.0}
    assert {inverse_time(step, 0.0, 3) for step in steps} == {1.0}
    assert {triangular(step, 1.0, 1.0, 3) for step in steps} == {1.0}
    assert {cosine(step, 20, 1.0) for step in steps} == {1.0}
    assert {warm_restarts(step, 3, 2.0, 1.0, 1.0) for step in steps} == {1.0}
