import statistics

import numpy as np
import pytest

from benchmarks.speed.figures import difference, exponent, median, middle, ratio, ratios

ROUNDS = [
    {"loop": {"ms": 1.0}, "ours": {"ms": 1.5}},
    # a round in which the whole machine was slow
    {"loop": {"ms": 10.0}, "ours": {"ms": 12.0}},
    {"loop": {"ms": 2.0}, "ours": {"ms": 2.0}},
    # ours failed here, and the last round was interrupted
    {"loop": {"ms": 3.0}, "ours": None},
    {"loop": {"ms": 4.0}},
]


def test_ratios_are_taken_within_a_round() -> None:
    assert ratios(ROUNDS, ("ours", "ms"), ("loop", "ms")) == [1.5, 1.2, 1.0]
    assert ratio(("ours", "ms"), ("loop", "ms"))(ROUNDS) == 1.2
    # the ratio of the medians is another number
    assert median(ROUNDS, "ours", "ms") / median(ROUNDS, "loop", "ms") != 1.2


def test_median_and_difference_leave_failures_out() -> None:
    assert median(ROUNDS, "ours", "ms") == statistics.median([1.5, 12.0, 2.0])
    assert middle("loop", "ms")(ROUNDS) == 3.0
    assert difference(("ours", "ms"), ("loop", "ms"))(ROUNDS) == 0.5


def test_what_was_never_measured_has_no_median() -> None:
    for measured in (middle("absent", "ms"), middle("loop", "absent"), ratio(("absent", "ms"), ("loop", "ms"))):
        with pytest.raises(ValueError, match="no round"):
            measured(ROUNDS)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.3])
def test_exponent_is_the_power_of_a_power_law(power: float) -> None:
    sizes = [6_000, 60_000, 600_000]
    assert exponent(sizes, [0.3 * size**power for size in sizes]) == pytest.approx(power)


def test_exponent_is_the_least_squares_fit_of_logarithms() -> None:
    sizes, seconds = [1, 10, 50, 300], [0.2, 1.1, 9.0, 20.0]
    assert exponent(sizes, seconds) == pytest.approx(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
