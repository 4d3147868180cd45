"""From the command line to what is searched, repeated and written back."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import planned

from lit_tricks.errors import UserError
from lit_tricks.search.plan import Choice, Numbers
from lit_tricks.search.summary import commands

LR = "optimizer.lr=0.1,0.01"
HERE = Path("sweep")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("model=mlp,cnn", Choice("model", ("mlp", "cnn"))),
        ("+experiment=baseline,[dropout,batchnorm]", Choice("+experiment", ("baseline", "[dropout,batchnorm]"))),
        ("optimizer=glob(ada*)", Choice("optimizer", ("adadelta", "adagrad", "adam", "adamax", "adamw"))),
        ("optimizer.lr=0.1,0.01,0.1", Choice("optimizer.lr", ("0.1", "0.01"))),
        ("data.path='a b','c'", Choice("data.path", ("'a b'", "'c'"))),
        ("model.hidden.0=range(32,513,32)", Numbers("model.hidden.0", 32, 512, 32, whole=True)),
        ("batch_size=range(64,8,-16)", Numbers("batch_size", 16, 64, 16, whole=True)),
        ("model.dropout=range(0,0.5,0.1)", Numbers("model.dropout", 0.0, 0.4, 0.1)),
        ("optimizer.lr=interval(0.001,1)", Numbers("optimizer.lr", 0.001, 1.0)),
        ("optimizer.lr=tag(log,interval(0.001,1))", Numbers("optimizer.lr", 0.001, 1.0, log=True)),
        ("batch_size=int(interval(8,64))", Numbers("batch_size", 8, 64, 1, whole=True)),
        ("batch_size=tag(log,int(interval(8,64)))", Numbers("batch_size", 8, 64, whole=True, log=True)),
    ],
)
def test_every_way_to_sweep_becomes_a_hyperparameter(line: str, expected: Any) -> None:
    (parameter,) = planned(HERE, "random", line).parameters
    assert parameter == expected


def test_a_shuffled_choice_is_the_same_search_every_time() -> None:
    plans = [planned(HERE, "random", "seed=5", "batch_size=shuffle(1,2,3,4,5,6,7,8,9)") for _ in range(3)]
    assert len({str(plan.identity()) for plan in plans}) == 1


@settings(max_examples=200)
@given(low=st.floats(1e-6, 1e3), width=st.floats(1e-9, 1e3), where=st.floats(0, 1))
def test_a_drawn_number_is_short_near_and_never_leaves_its_interval(low: float, width: float, where: float) -> None:
    parameter = Numbers("x", low, low + width)
    value = min(low + where * width, parameter.high)
    text = parameter.text(value)
    assert parameter.low <= float(text) <= parameter.high
    assert float(text) == pytest.approx(value, rel=1e-5)


def test_the_points_of_a_range_are_written_as_hydra_would_write_them() -> None:
    (parameter,) = planned(HERE, "grid", "model.dropout=range(0,1,0.1)").parameters
    assert parameter.size == 10
    texts = [parameter.text(parameter.at(index)) for index in range(10)]
    assert texts == ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]


def test_a_grid_has_hydras_points_in_hydras_order() -> None:
    plan = planned(HERE, "grid", LR, "model.hidden.0=range(8,25,8)", "model=mlp,linear")
    points = [plan.assignments(plan.point(index)) for index in range(plan.n_trials)]
    wanted = itertools.product(
        ["optimizer.lr=0.1", "optimizer.lr=0.01"],
        [f"model.hidden.0={units}" for units in (8, 16, 24)],
        ["model=mlp", "model=linear"],
    )
    assert points == [list(point) for point in wanted]


@pytest.mark.parametrize(("asked", "got"), [(None, 6), (4, 4), (100, 6)])
def test_a_grid_has_no_more_trials_than_points(asked: int | None, got: int) -> None:
    assert planned(HERE, "grid", LR, "batch_size=1,2,3", n_trials=asked).n_trials == got


@pytest.mark.parametrize(
    ("lines", "data", "expected"),
    [
        ([], {}, [()]),
        (["seed=3"], {}, [()]),
        (["seed=0,1"], {}, [("seed=0",), ("seed=1",)]),
        (["seed=range(2)"], {}, [("seed=0",), ("seed=1",)]),
        (["data.folds=2"], {"folds": 2}, [("data.fold=0",), ("data.fold=1",)]),
        (["data.folds=3", "data.fold=1"], {"folds": 3}, [()]),
        (["data.folds=3", "data.fold=2,0"], {"folds": 3}, [("data.fold=2",), ("data.fold=0",)]),
        (
            ["seed=5,6", "data.folds=2"],
            {"folds": 2},
            [
                ("seed=5", "data.fold=0"),
                ("seed=5", "data.fold=1"),
                ("seed=6", "data.fold=0"),
                ("seed=6", "data.fold=1"),
            ],
        ),
    ],
)
def test_seeds_and_folds_are_the_runs_of_a_trial(
    lines: list[str], data: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    plan = planned(HERE, "random", LR, *lines, data=data)
    assert list(plan.repetitions) == expected
    assert [parameter.key for parameter in plan.parameters] == ["optimizer.lr"]
    assert len({plan.run_name(3, repetition) for repetition in plan.repetitions}) == len(expected)


def test_the_command_line_overrules_what_a_file_sweeps() -> None:
    plan = planned(HERE, "random", LR, "batch_size=1,2", "batch_size=4")
    assert [str(parameter) for parameter in plan.parameters] == ["optimizer.lr=choice(0.1,0.01)"]
    assert plan.fixed == ("batch_size=4",)


def test_the_commands_train_one_network_and_repeat_the_trial() -> None:
    lines = ["+experiment=[dropout]", "data.folds=2", "seed=4,5", LR]
    found = commands(planned(HERE, "random", *lines, data={"folds": 2}), ["optimizer.lr=0.1"])
    assert found["command"] == "python train.py '+experiment=[dropout]' optimizer.lr=0.1 seed=4 data.folds=null"
    assert found["repeat"] == (
        "python train.py -m hydra/sweeper=grid hydra.sweeper.metric=val/loss '+experiment=[dropout]' data.folds=2 "
        "'optimizer.lr=choice(0.1)' seed=4,5 data.fold=0,1"
    )
    single = commands(planned(HERE, "random", "seed=4", LR), ["optimizer.lr=0.1"])
    assert single["command"] == single["repeat"] == "python train.py seed=4 optimizer.lr=0.1"


@pytest.mark.parametrize(
    ("word", "lines", "knobs", "message"),
    [
        ("random", ["seed=0,1"], {}, r"needs something to vary besides seed and data.fold"),
        ("random", [LR], {"n_trials": 0}, r"hydra.sweeper.n_trials must be a whole number at least 1.*received 0"),
        ("random", [LR], {"n_trials": None}, r"n_trials .* for sampler=random; received null"),
        ("random", [LR], {"metric": "val/f2"}, r"hydra.sweeper.metric must be val/loss.* received val/f2"),
        ("random", [LR], {"metric": "test/acc"}, r"hydra.sweeper.metric must be val/loss.* received test/acc"),
        ("halving", [LR], {"metric": "val/auroc"}, r"pruning needs a metric of every epoch.* received val/auroc"),
        ("halving", [LR], {"reduction_factor": 1}, r"reduction_factor must be a whole number at least 2; received 1"),
        ("random", [LR], {"n_jobs": 0}, r"hydra.sweeper.n_jobs must be .* at least 1; received 0"),
        ("grid", ["optimizer.lr=interval(0.1,1)"], {}, r"a grid needs single values"),
        ("random", ["optimizer.lr=interval(1,0.1)"], {}, r"an interval must rise.*swap its ends"),
        ("random", ["optimizer.lr=tag(log,interval(0,1))"], {}, r"a logarithmic interval must begin above 0"),
        ("random", ["batch_size=tag(log,range(1,9))"], {}, r"a range has no logarithmic form"),
        ("random", [LR, "seed=interval(1,9)"], {}, r"seed must be listed.*try seed=0,1,2"),
        ("random", ["data=digits,moons"], {}, r"compares trials on one data set; received 'data=digits,moons'"),
        ("random", ["data.folds=2,3"], {}, r"compares trials on one data set; received 'data.folds=2,3'"),
    ],
)
def test_mistakes_are_told(word: str, lines: list[str], knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        planned(HERE, word, *lines, **knobs)


def test_a_search_needs_validation_which_folds_are() -> None:
    with pytest.raises(UserError, match=r"selects by validation; received data.val_size=0: try data.val_size=0.1"):
        planned(HERE, "random", LR, data={"val_size": 0, "folds": None})
    assert planned(HERE, "random", LR, data={"val_size": 0, "folds": 2}).folds
