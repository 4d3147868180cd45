import math

import numpy as np
import pytest
from scipy.optimize import brentq
from studies.lecture import build, findings

from lit_tricks.errors import UserError
from lit_tricks.studies import Findings


def wave_slope(x: float) -> float:
    return 2 * x * math.cos(x) - x**2 * math.sin(x) + math.cos(x)


@pytest.fixture(scope="module")
def row() -> Findings:
    return findings("a13_automatic_differentiation")


@pytest.mark.parametrize(
    ("name", "start", "rate", "slope"),
    [
        ("cosine", 0.5, 0.3, lambda x: -math.sin(x)),
        ("waves_1", -2.0, 0.06, wave_slope),
        ("waves_2", 1.0, 0.06, wave_slope),
        ("waves_3", 2.0, 0.06, wave_slope),
    ],
)
def test_each_step_goes_down_the_derivative_that_calculus_gives(name, start, rate, slope, row: Findings) -> None:
    x = start
    for line in row.rows:
        assert line[f"{name}/x"] == pytest.approx(x, abs=1e-9)
        assert line[f"{name}/slope"] == pytest.approx(abs(slope(x)), abs=1e-9)
        x -= rate * slope(x)
    assert len(row.rows) == 101


def test_the_ends_are_the_minima_but_for_the_start_that_crawls(row: Findings) -> None:
    assert row.metrics["cosine/x"] == pytest.approx(math.pi)
    assert row.metrics["waves_1/x"] == pytest.approx(brentq(wave_slope, -4, -3))
    assert row.metrics["waves_3/x"] == pytest.approx(brentq(wave_slope, 3, 4))
    assert row.metrics["waves_2/level_after"] is None
    for name in ("cosine", "waves_1", "waves_3"):
        level = [line["step"] for line in row.rows if line[f"{name}/slope"] < 1e-3]
        assert row.metrics[f"{name}/level_after"] == level[0]


def test_the_derivative_agrees_with_finite_differences(row: Findings) -> None:
    assert row.metrics["cosine/derivative_error"] < 1e-9
    assert row.metrics["waves/derivative_error"] < 1e-7


def test_a_kink_shows_up_as_a_difference() -> None:
    overrides = ["study.only=[cosine]", "study.descents.cosine.function='abs(x)'"]
    found = build("study=gradient_descent", *overrides, "study.descents.cosine.interval=[-1,1]").run(0)
    assert found.metrics["cosine/derivative_error"] > 0.5


def test_the_picture_shows_the_paths_and_the_sentence_their_ends(row: Findings) -> None:
    assert row.sentence == "Downhill on cos(x): 0.5 → 3.142; on x²·cos(x) + sin(x): -2 → -3.589, 1 → -0.658, 2 → 3.693"
    above = row.figures["descents"].axes[1]
    paths = [line for line in above.lines if line.get_label().startswith("from")]
    assert [len(path.get_xdata()) for path in paths] == [101] * 3
    np.testing.assert_allclose(paths[0].get_xdata(), [line["waves_1/x"] for line in row.rows])


def test_a_descent_without_end_is_told() -> None:
    found = build("study=gradient_descent", "study.only=[cosine]", "study.descents.cosine.function='x**3'",
                  "study.descents.cosine.start=-1").run(0)  # fmt: skip
    assert found.sentence == "Downhill on x³: -1 → gone"
    assert found.metrics["cosine/x"] is found.metrics["cosine/value"] is None
    assert found.rows[-1].keys() == {"step"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("study.descents.cosine.interval=[2,1]", "must rise; received"),
        ("study.descents.cosine.start=[]", "must be a list of finite numbers"),
        ("study.descents.cosine.function='sin(y)'", "received y"),
        ("study.only=[sine]", "received sine: try study.only"),
    ],
)
def test_mistakes_are_refused(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build("study=gradient_descent", override)
