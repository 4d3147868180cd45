"""Learning-rate schedules in closed form: each maps a step, counted from 0, to a factor of the base rate.

A closed form needs no memory, so a resumed run continues exactly, and parameter groups keep their ratios.
"""

import math
from collections.abc import Callable


def warmed(step: int, factor: Callable[[int], float], warmup_steps: int) -> float:
    """Return ``factor`` preceded by a linear warm-up of ``warmup_steps`` (0: none).

    Step s of the warm-up has (s + 1) / warmup_steps of the factor's first value; the factor's own step 0 follows.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps * factor(0)
    return factor(step - warmup_steps)


def constant(step: int) -> float:
    """Return 1 at every step."""
    return 1.0


def exponential(step: int, rate: float, every: int, staircase: bool = False) -> float:
    """Return rate^(step / every), with the exponent rounded down when ``staircase``; rate 1 changes nothing."""
    return rate ** _elapsed(step, every, staircase)


def inverse_time(step: int, rate: float, every: int, staircase: bool = False) -> float:
    """Return 1 / (1 + rate step / every), step / every rounded down when ``staircase``; rate 0 changes nothing."""
    return 1.0 / (1.0 + rate * _elapsed(step, every, staircase))


def triangular(step: int, low: float, high: float, half_cycle: int) -> float:
    """Return the triangular wave that starts at ``low`` and peaks at ``high`` after ``half_cycle`` steps.

    Smith 2017, "triangular"; low = high is constant.
    """
    position = step % (2 * half_cycle) / half_cycle
    return low + (high - low) * (1.0 - abs(position - 1.0))


def cosine(step: int, steps: int, floor: float) -> float:
    """Return half a cosine from 1 at step 0 to ``floor`` at ``steps``, where it stays; floor 1 changes nothing."""
    return floor + (1.0 - floor) * _half_cosine(min(step / steps, 1.0))


def warm_restarts(step: int, first_period: int, t_mult: float, m_mul: float, floor: float) -> float:
    """Return repeated half cosines, each ``t_mult`` as long and starting ``m_mul`` as high above ``floor`` as the last.

    Loshchilov & Hutter 2017, equation 5; ``m_mul`` as in TensorFlow's ``CosineDecayRestarts``.
    """
    if t_mult == 1.0:
        restart, within = divmod(step, first_period)
        return floor + (1.0 - floor) * m_mul**restart * _half_cosine(within / first_period)
    restart, left, period = 0, float(step), float(first_period)
    while left >= period:
        left, period, restart = left - period, period * t_mult, restart + 1
    return floor + (1.0 - floor) * m_mul**restart * _half_cosine(left / period)


def _elapsed(step: int, every: int, staircase: bool) -> float:
    return step // every if staircase else step / every


def _half_cosine(share: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * share))
