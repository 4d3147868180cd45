"""What the pictures of a search show."""

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from matplotlib.colors import to_hex
from optuna.trial import TrialState
from searching import planned, run

from lit_tricks.report.style import BLUE, SOFT, VERMILION
from lit_tricks.search.figures import curves, grid, history, slices
from lit_tricks.search.plan import Plan
from lit_tricks.search.storage import distribution
from lit_tricks.search.summary import summarise

VALUES = {"1": 0.5, "0.1": 0.3, "0.01": 0.4, "0.001": 0.2, "10": None, "100": "broken"}


@pytest.fixture(scope="module", params=["val/loss", "val/acc"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict[str, Any]]:
    plan = planned(
        tmp_path_factory.mktemp("search"), "grid", "optimizer.lr=1,10,0.1,0.01,100,0.001", "seed=0,1",
        metric=request.param,
    )  # fmt: skip

    def value(overrides: dict[str, str]) -> Any:
        middle = VALUES[overrides["optimizer.lr"]]
        return middle + 0.01 * int(overrides["seed"]) if isinstance(middle, float) else middle

    return plan, summarise(run(plan, value)[0], plan)


def test_the_line_is_the_best_so_far(found: tuple[Plan, dict[str, Any]]) -> None:
    plan, summary = found
    (axes,) = history(summary).axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    values = [0.505, 0.305, 0.405, 0.205]
    running = np.minimum.accumulate(values) if plan.settings.metric == "val/loss" else np.maximum.accumulate(values)
    line = lines["best so far"]
    assert list(line.get_xdata()) == [0, 2, 3, 5, 5]
    assert list(line.get_ydata()) == pytest.approx([*running, running[-1]])
    assert list(lines["without a value"].get_xdata()) == [1, 4]


def test_each_value_has_its_spread(found: tuple[Plan, dict[str, Any]]) -> None:
    (axes,) = history(found[1]).axes
    (container,) = axes.containers
    (bars,) = container[2]
    heights = [abs(end[1] - start[1]) for start, end in bars.get_segments()]
    assert heights == pytest.approx([2 * 0.01 / np.sqrt(2)] * 4)


def test_a_slice_orders_numbers_and_marks_the_best(found: tuple[Plan, dict[str, Any]]) -> None:
    plan, summary = found
    (axes,) = slices(summary, plan.parameters).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.001", "0.01", "0.1", "1", "10", "100"]
    drawn = {
        float(x): (float(y), to_hex(container[0].get_color()))
        for container in axes.containers
        for x, y in zip(*container[0].get_data(), strict=True)
    }
    assert {x: y for x, (y, _) in drawn.items()} == pytest.approx({0: 0.205, 1: 0.405, 2: 0.305, 3: 0.505})
    best = {0.001: 0, 1.0: 3}[float(summary["best"]["params"]["optimizer.lr"])]
    assert [x for x, (_, colour) in drawn.items() if colour == VERMILION.lower()] == [best]


def test_the_map_of_a_grid_has_every_combination_that_completed(tmp_path: Path) -> None:
    plan = planned(tmp_path, "grid", "model=mlp,linear,cnn", "optimizer.lr=1,0.1", "seed=0,1")
    losses = {("mlp", "1"): 0.4, ("mlp", "0.1"): 0.3, ("linear", "1"): 0.6, ("linear", "0.1"): 0.5, ("cnn", "1"): 0.2}

    def loss(overrides: dict[str, str]) -> float | str:
        return losses.get((overrides["model"], overrides["optimizer.lr"]), "broken")

    figure = grid(summarise(run(plan, loss)[0], plan), plan.parameters)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["mlp", "linear", "cnn"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.1", "1"]
    np.testing.assert_allclose(axes.images[0].get_array().filled(np.nan), [[0.3, 0.4], [0.5, 0.6], [np.nan, 0.2]])
    assert figure.get_suptitle() == "Best of 5: model = cnn, optimizer.lr = 1\nmean val/loss 0.2000 over 2 runs"


def test_every_hyperparameter_has_a_panel(tmp_path: Path) -> None:
    lines = [
        "optimizer.lr=tag(log,interval(0.001,1))",
        "batch_size=range(1,9)",
        "model=mlp,linear",
        "seed=0",
        "init=zeros",
    ]
    plan = planned(tmp_path, "random", *lines, "model.dropout=interval(0,0.5)", n_trials=3)
    summary = summarise(run(plan, lambda overrides: float(overrides["optimizer.lr"]))[0], plan)
    panels = slices(summary, plan.parameters).axes
    shown = [axes for axes in panels if axes.axison]
    assert [axes.get_xlabel() for axes in shown] == ["optimizer.lr", "batch_size", "model", "model.dropout"]
    assert [axes.get_xscale() for axes in shown] == ["log", "linear", "linear", "linear"]


def test_the_curves_show_who_was_cut_when(tmp_path: Path) -> None:
    plan = planned(tmp_path, "halving", "optimizer.lr=choice(1,0.1,0.01)", n_trials=4)
    ends: list[tuple[str, TrialState, dict[int, float]]] = [
        ("1", TrialState.COMPLETE, {1: 0.9, 2: 0.8, 3: 0.6, 4: 0.5}),
        ("0.1", TrialState.PRUNED, {1: 0.95}),
        ("0.01", TrialState.COMPLETE, {1: 0.7, 2: 0.5, 3: 0.4, 4: 0.3}),
        ("0.1", TrialState.PRUNED, {1: 0.95}),
    ]
    study = optuna.create_study()
    for number, (rate, state, reports) in enumerate(ends):
        study.add_trial(
            optuna.trial.create_trial(
                state=state,
                params={"optimizer.lr": rate},
                distributions={"optimizer.lr": distribution(plan.parameters[0])},
                value=reports[4] if state == TrialState.COMPLETE else None,
                intermediate_values=reports,
                user_attrs={"runs": {"trial/run": reports[max(reports)]}} | ({"same": 1} if number == 3 else {}),
            )
        )
    figure = curves(summarise(study, plan), plan.settings)
    (axes,) = figure.axes
    drawn = [
        (to_hex(line.get_color()), list(map(float, line.get_ydata())))
        for line in axes.get_lines()
        if line.get_linestyle() == "-"
    ]
    assert drawn == [
        (SOFT, [0.95]),
        (BLUE.lower(), [0.9, 0.8, 0.6, 0.5]),
        (VERMILION.lower(), [0.7, 0.5, 0.4, 0.3]),
    ]
    assert [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"] == [1, 3]
    # 9 of 3 x 4 epochs
    assert figure.get_suptitle() == "1 of 3 trials were cut: 75% of the first runs' epochs were trained"


@pytest.mark.parametrize(
    ("knobs", "epochs", "cuts"),
    [
        ({}, 10, [1, 3, 9]),
        ({}, 9, [1, 3]),
        ({}, 1, []),
        ({"min_epochs": 4}, 9, [4]),
        ({"reduction_factor": 2}, 5, [1, 2, 4]),
    ],
)
def test_cuts_are_where_the_pruner_makes_them(
    tmp_path: Path, knobs: dict[str, int], epochs: int, cuts: list[int]
) -> None:
    assert planned(tmp_path, "halving", "optimizer.lr=1,2", **knobs).settings.cuts(epochs) == cuts
    assert planned(tmp_path, "random", "optimizer.lr=1,2", **knobs).settings.cuts(epochs) == []


def test_importance_needs_trials_and_finds_what_matters(tmp_path: Path) -> None:
    lines = ["optimizer.lr=interval(0.001,1)", "model.dropout=interval(0,0.5)"]

    def by_rate(overrides: dict[str, str]) -> float:
        return float(overrides["optimizer.lr"]) ** 2

    plan = planned(tmp_path, "random", *lines, n_trials=20)
    study, _ = run(plan, by_rate)
    importance = summarise(study, plan)["importance"]
    assert importance["optimizer.lr"] > 0.8
    assert sum(importance.values()) == pytest.approx(1)
    few = planned(tmp_path / "few", "random", *lines, n_trials=3)
    assert summarise(run(few, by_rate)[0], few)["importance"] is None
