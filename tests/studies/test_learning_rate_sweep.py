import numpy as np
import pytest
from studies.lecture import build, findings
from studies.test_optimizer_race import START, gradient

from lit_tricks.errors import UserError
from lit_tricks.studies import Findings

RATES = [round(0.005 * k, 3) for k in range(10)]


@pytest.fixture(scope="module")
def sweep() -> Findings:
    return findings("d2_learning_rates_on_a_surface")


def test_the_rates_are_the_lectures(sweep: Findings) -> None:
    assert list(dict.fromkeys(name.split("/")[0] for name in sweep.metrics)) == [f"lr_{rate:g}" for rate in RATES]


@pytest.mark.parametrize("rate", RATES)
def test_each_rate_goes_where_the_formula_goes(rate: float, sweep: Findings) -> None:
    point = START
    for row in sweep.rows:
        if f"lr_{rate:g}/x" not in row:
            assert sweep.metrics[f"lr_{rate:g}/distance"] is None
            return
        np.testing.assert_allclose([row[f"lr_{rate:g}/x"], row[f"lr_{rate:g}/y"]], point, rtol=1e-8)
        point = point - rate * gradient(point)
    assert sweep.metrics[f"lr_{rate:g}/distance"] == pytest.approx(
        np.hypot(*(np.array([row[f"lr_{rate:g}/x"], row[f"lr_{rate:g}/y"]]) - [3, 0.5]))
    )


def test_no_step_stays_too_large_a_step_leaves_and_the_best_is_named(sweep: Findings) -> None:
    assert sweep.metrics["lr_0/distance"] == pytest.approx(np.hypot(2.2, 1.1))
    gone = [rate for rate in RATES if sweep.metrics[f"lr_{rate:g}/distance"] is None]
    assert gone == [0.04, 0.045]
    ends = {rate: end for rate in RATES if (end := sweep.metrics[f"lr_{rate:g}/distance"]) is not None}
    best = min(ends, key=lambda rate: ends[rate])
    assert (
        sweep.sentence
        == f"Best of 10 after 100 steps: rate {best:g}, {ends[best]:.3f} away; rate 0.04 and rate 0.045 diverge"
    )
    (crosses,) = [line for line in sweep.figures["end_by_rate"].axes[0].lines if line.get_label() == "diverged"]
    assert list(crosses.get_xdata()) == gone


def test_another_optimizer_takes_the_rates() -> None:
    found = build("study=learning_rate_sweep", "optimizer@study.optimizer=adam", "study.rates=[0.1,0.2]").run(0)
    race = findings("d1_optimizer_race")
    assert found.metrics["lr_0.2/distance"] == pytest.approx(race.metrics["adam/distance"])


@pytest.mark.parametrize("rates", ["[]", "[-0.1]", "[0.1,0.1]"])
def test_rates_that_make_no_sweep_are_refused(rates: str) -> None:
    with pytest.raises(UserError, match=r"study\.rates must be"):
        build("study=learning_rate_sweep", f"study.rates={rates}")
