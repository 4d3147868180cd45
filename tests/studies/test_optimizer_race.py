"""Each optimizer by its formula, written out in numpy, from the lecture's start."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from studies.lecture import build, findings

from lit_tricks.errors import UserError
from lit_tricks.studies import Findings

START, STEPS = np.array([0.8, 1.6]), 100
Update = Callable[[int, np.ndarray], np.ndarray]


def gradient(point: np.ndarray) -> np.ndarray:
    x, y = point
    a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    return 2 * np.array([a * (y - 1) + b * (y**2 - 1) + c * (y**3 - 1), a * x + b * 2 * x * y + c * 3 * x * y**2])


def sgd(rate: Callable[[int], float]) -> Update:
    return lambda step, g: -rate(step) * g


def momentum(lr: float, nesterov: bool) -> Update:
    velocity = np.zeros(2)

    def update(step: int, g: np.ndarray) -> np.ndarray:
        nonlocal velocity
        velocity = 0.9 * velocity - lr * g
        return 0.9 * velocity - lr * g if nesterov else velocity

    return update


def adagrad(lr: float) -> Update:
    sums = np.full(2, 0.1)

    def update(step: int, g: np.ndarray) -> np.ndarray:
        nonlocal sums
        sums = sums + g**2
        return -lr * g / np.sqrt(sums + 1e-7)

    return update


def rmsprop(lr: float) -> Update:
    mean = np.zeros(2)

    def update(step: int, g: np.ndarray) -> np.ndarray:
        nonlocal mean
        mean = 0.9 * mean + 0.1 * g**2
        return -lr * g / np.sqrt(mean + 1e-7)

    return update


def adam(lr: float) -> Update:
    first, second = np.zeros(2), np.zeros(2)

    def update(step: int, g: np.ndarray) -> np.ndarray:
        nonlocal first, second
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        return -lr * (first / (1 - 0.9 ** (step + 1))) / (np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8)

    return update


def adamax(lr: float) -> Update:
    first, largest = np.zeros(2), np.zeros(2)

    def update(step: int, g: np.ndarray) -> np.ndarray:
        nonlocal first, largest
        first, largest = 0.9 * first + 0.1 * g, np.maximum(0.999 * largest, np.abs(g) + 1e-7)
        return -lr / (1 - 0.9 ** (step + 1)) * first / largest

    return update


def adadelta(lr: float) -> Update:
    squares, moves = np.zeros(2), np.zeros(2)

    def update(step: int, g: np.ndarray) -> np.ndarray:
        nonlocal squares, moves
        squares = 0.95 * squares + 0.05 * g**2
        move = np.sqrt(moves + 1e-7) / np.sqrt(squares + 1e-7) * g
        moves = 0.95 * moves + 0.05 * move**2
        return -lr * move

    return update


# Keras' own formulas; torch's put some of the epsilons elsewhere, which matters where gradients are tiny
FORMULAS: dict[str, Callable[[], Update]] = {
    "sgd": lambda: sgd(lambda step: 0.01),
    "sgd_decay": lambda: sgd(lambda step: 0.02 * 0.96 ** (step / 100)),
    "sgd_cyclic": lambda: sgd(lambda step: 1e-4 + (0.1 - 1e-4) * step / 100),
    "momentum": lambda: momentum(0.005, nesterov=False),
    "nesterov": lambda: momentum(0.005, nesterov=True),
    "adagrad": lambda: adagrad(0.4),
    "rmsprop": lambda: rmsprop(0.1),
    "adam": lambda: adam(0.2),
    "adamax": lambda: adamax(0.5),
    "adadelta": lambda: adadelta(1.0),
}


def followed(update: Update) -> np.ndarray:
    points = [START]
    for step in range(STEPS):
        points.append(points[-1] + update(step, gradient(points[-1])))
    return np.array(points)


@pytest.fixture(scope="module")
def race() -> Findings:
    return findings("d1_optimizer_race")


def column(found: Findings, name: str) -> np.ndarray:
    return np.array([row[name] for row in found.rows if name in row])


def test_the_lecture_races_ten(race: Findings) -> None:
    assert {name.split("/")[0] for name in race.metrics} == set(FORMULAS)
    assert len(race.rows) == STEPS + 1


@pytest.mark.parametrize("name", FORMULAS)
def test_each_path_is_that_of_the_formula(name: str, race: Findings) -> None:
    points = np.stack([column(race, f"{name}/x"), column(race, f"{name}/y")], axis=1)
    expected = followed(FORMULAS[name]())
    np.testing.assert_allclose(points[:6], expected[:6], rtol=1e-6)
    # rmsprop jumps over the valley near its end, and where to hangs on rounding
    same = 80 if name == "rmsprop" else STEPS + 1
    np.testing.assert_allclose(points[:same], expected[:same], atol=2e-4)


def test_the_figures_agree_with_the_paths(race: Findings) -> None:
    for name in FORMULAS:
        distances = np.hypot(column(race, f"{name}/x") - 3, column(race, f"{name}/y") - 0.5)
        np.testing.assert_allclose(column(race, f"{name}/distance"), distances)
        assert race.metrics[f"{name}/distance"] == pytest.approx(distances[-1])
        assert race.metrics[f"{name}/nearest"] == pytest.approx(distances.min())
        assert race.metrics[f"{name}/nearest_step"] == distances.argmin()
        assert race.metrics[f"{name}/loss"] == race.rows[-1][f"{name}/loss"]


def test_the_sentence_names_who_is_nearest_and_furthest(race: Findings) -> None:
    ends = {name: race.metrics[f"{name}/distance"] for name in FORMULAS}
    first, *_, last = sorted(ends, key=lambda name: ends[name])
    assert race.sentence.startswith(
        f"After 100 steps {first} is nearest to the minimum ({ends[first]:.3f} away), then "
    )
    assert race.sentence.endswith(f"furthest is {last} ({ends[last]:.3f})")
    assert set(race.figures) == {"paths", "paths_together", "progress"}
    assert race.figures["paths"].get_suptitle().replace("\n", " ") == race.sentence


def panels(found: Findings) -> list[str]:
    return [axes.get_title(loc="left") for axes in found.figures["paths"].axes]


def test_only_the_named_take_part_and_stand_in_the_order_of_their_ends() -> None:
    found = build("study=optimizer_race", "study.only=[sgd,momentum]", "study.steps=5").run(0)
    assert {name.split("/")[0] for name in found.metrics} == {"sgd", "momentum"}
    ends = sorted((found.metrics[f"{name}/distance"], name) for name in ("sgd", "momentum"))
    assert panels(found) == [f"{name}: {end:.3f} away" for end, name in ends]


def test_a_contender_that_diverges_comes_last_and_has_no_end() -> None:
    found = build("study=optimizer_race", "study.only=[sgd,adam]", "study.contenders.sgd.optimizer.lr=1").run(0)
    assert found.metrics["sgd/loss"] is found.metrics["sgd/distance"] is None
    assert (
        found.sentence
        == f"After 100 steps adam is {found.metrics['adam/distance']:.3f} away from the minimum; gone for good: sgd"
    )
    assert panels(found)[1].startswith("sgd: gone after step")
    alone = build("study=optimizer_race", "study.only=[sgd]", "study.contenders.sgd.optimizer.lr=1").run(0)
    assert alone.sentence == "Not one path stayed: all 1 diverged within 100 steps"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["study.only=[sgd,lion]"], "study.only must name at least one of study.contenders, sgd, .*; received lion"),
        (["study.start=[1]"], r"study\.start must be a list of 2 finite numbers; received \[1\]"),
        (["study.steps=0"], r"study\.steps must be a whole number of at least 1; received 0"),
    ],
)
def test_mistakes_are_refused(overrides: list[Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build("study=optimizer_race", *overrides)
