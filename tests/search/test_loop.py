"""What is trained, what is not trained again, and that an interruption changes nothing."""

import math
from pathlib import Path
from statistics import mean, median, stdev

import optuna
import pytest
from optuna.trial import TrialState
from searching import Launcher, planned, run

from lit_tricks.errors import UserError
from lit_tricks.search.loop import search
from lit_tricks.search.plan import Plan
from lit_tricks.search.storage import distribution, held, open_study
from lit_tricks.search.summary import summarise

LOG_LR = "optimizer.lr=tag(log,interval(0.0001,1))"


def bowl(overrides: dict[str, str]) -> float:
    return 0.1 + (math.log10(float(overrides["optimizer.lr"])) + 2) ** 2


def current_draws(study: optuna.Study, plan: Plan) -> list[tuple[str, ...]]:
    return [tuple(trial["overrides"]) for trial in summarise(study, plan)["trials"]]


def test_a_grid_trains_every_point_once_in_order(tmp_path: Path) -> None:
    plan = planned(tmp_path, "grid", "optimizer.lr=1,0.1", "batch_size=range(1,4)", "trainer=cpu")
    _, launcher = run(plan, bowl)
    wanted = [("trainer=cpu", f"optimizer.lr={lr}", f"batch_size={size}") for lr in ("1", "0.1") for size in (1, 2, 3)]
    assert launcher.trained == wanted


def test_the_value_is_the_mean_over_seeds_and_folds(tmp_path: Path) -> None:
    plan = planned(tmp_path, "grid", "optimizer.lr=1,0.1", "seed=0,1", "data.folds=3", data={"folds": 3})
    values = {(seed, fold): 10 * seed + fold**2 for seed in range(2) for fold in range(3)}
    study, launcher = run(plan, lambda overrides: values[int(overrides["seed"]), int(overrides["data.fold"])])
    assert len(launcher.trained) == 12
    for trial in summarise(study, plan)["trials"]:
        assert trial["value"] == pytest.approx(mean(values.values()))
        assert trial["sd"] == pytest.approx(stdev(values.values()))


@pytest.mark.parametrize(("metric", "best"), [("val/loss", "0.01"), ("val/acc", "1")])
def test_a_loss_is_to_fall_and_a_share_to_rise(tmp_path: Path, metric: str, best: str) -> None:
    plan = planned(tmp_path, "grid", "optimizer.lr=0.1,0.01,1", metric=metric)
    study, _ = run(plan, bowl)
    assert summarise(study, plan)["best"]["params"] == {"optimizer.lr": best}
    assert study.best_trial.params == {"optimizer.lr": best}


@pytest.mark.parametrize(("word", "stop"), [("random", 0), ("random", 3), ("bayesian", 3)])
def test_a_search_that_was_interrupted_ends_like_one_that_was_not(tmp_path: Path, word: str, stop: int) -> None:
    lines = [LOG_LR, "model.dropout=interval(0,0.5)", "batch_size=8,16"]
    knobs = {"n_trials": 5, "startup_trials": 2}
    whole = planned(tmp_path / "whole", word, *lines, **knobs)
    wanted = current_draws(run(whole, bowl)[0], whole)
    assert len(set(wanted)) == 5

    plan, done = planned(tmp_path / "cut", word, *lines, **knobs), []

    def until(overrides: dict[str, str]) -> float | BaseException:
        done.append(overrides)
        return KeyboardInterrupt() if len(done) == stop + 1 else bowl(overrides)

    with pytest.raises(KeyboardInterrupt):
        run(plan, until, stored=True)
    assert [trial.state for trial in open_study(plan).trials] == [TrialState.COMPLETE] * stop + [TrialState.RUNNING]
    study, launcher = run(plan, bowl, stored=True)
    assert len(launcher.trained) == 5 - stop
    assert sorted(current_draws(study, plan)) == sorted(wanted)
    assert run(plan, bowl, stored=True)[1].trained == []


def test_what_failed_is_counted_and_tried_again_by_the_next_call_alone(tmp_path: Path) -> None:
    plan = planned(tmp_path, "grid", "optimizer.lr=1,0.1,0.01")
    study, launcher = run(plan, lambda o: "out of memory" if o["optimizer.lr"] == "0.1" else bowl(o), stored=True)
    assert len(launcher.trained) == 3
    summary = summarise(study, plan)
    assert summary["counts"] == {"completed": 2, "failed": 1}
    assert summary["trials"][1]["reason"] == "out of memory"
    study, launcher = run(plan, bowl, stored=True)
    assert launcher.trained == [("optimizer.lr=0.1",)]
    summary = summarise(study, plan)
    assert summary["counts"] == {"completed": 3}
    assert sorted(trial["params"]["optimizer.lr"] for trial in summary["trials"]) == ["0.01", "0.1", "1"]


def test_a_trial_fails_with_one_of_its_runs(tmp_path: Path) -> None:
    plan = planned(tmp_path, "grid", "optimizer.lr=1,0.1", "seed=0,1")
    study, _ = run(plan, lambda o: "torn" if (o["optimizer.lr"], o["seed"]) == ("1", "1") else bowl(o))
    assert [trial["state"] for trial in summarise(study, plan)["trials"]] == ["failed", "completed"]


def test_a_loss_that_is_not_finite_is_a_bad_result_and_no_failure(tmp_path: Path) -> None:
    plan = planned(tmp_path, "grid", "optimizer.lr=1,0.1")
    study, _ = run(plan, lambda o: None if o["optimizer.lr"] == "1" else bowl(o), stored=True)
    first, second = summarise(study, plan)["trials"]
    assert (first["state"], first["value"], second["state"]) == ("diverged", None, "completed")
    assert "not a finite number" in first["reason"]
    assert run(plan, bowl, stored=True)[1].trained == []


def test_the_bayesian_sampler_learns_where_trials_diverge(tmp_path: Path) -> None:
    def cliff(overrides: dict[str, str]) -> float | None:
        return None if float(overrides["optimizer.lr"]) > 0.01 else 0.5

    plan = planned(tmp_path, "bayesian", LOG_LR, n_trials=16, startup_trials=8)
    trials = summarise(run(plan, cliff)[0], plan)["trials"]
    diverged = [trial["state"] == "diverged" for trial in trials]
    assert sum(diverged[8:]) < sum(diverged[:8])


def test_the_bayesian_sampler_draws_nearer_to_the_optimum_than_chance(tmp_path: Path) -> None:
    plan = planned(tmp_path, "bayesian", LOG_LR, n_trials=30, startup_trials=8)
    draws = run(plan, bowl)[1].trained[8:]
    distances = [abs(math.log10(float(override.split("=")[1])) + 2) for (override,) in draws]
    # even draws from four decades around the optimum are one decade away from it in the median
    assert median(distances) < 0.5


def test_the_same_hyperparameters_are_not_trained_twice(tmp_path: Path) -> None:
    plan = planned(tmp_path, "random", "optimizer.lr=1,0.1", n_trials=8)
    study, launcher = run(plan, bowl)
    assert sorted(launcher.trained) == [("optimizer.lr=0.1",), ("optimizer.lr=1",)]
    trials = summarise(study, plan)["trials"]
    assert len(trials) == 8
    firsts = {trial["params"]["optimizer.lr"]: trial["number"] for trial in reversed(trials)}
    for trial in trials:
        first = firsts[trial["params"]["optimizer.lr"]]
        assert trial["same_as"] == (None if trial["number"] == first else first)
        assert trial["value"] == bowl(trial["params"])


def test_trials_go_to_the_launcher_in_batches(tmp_path: Path) -> None:
    plan = planned(tmp_path, "random", LOG_LR, "seed=0,1", n_trials=5, n_jobs=3)
    _, launcher = run(plan, bowl)
    assert [len(batch) for batch in launcher.batches] == [6, 4]


def test_a_trial_that_may_be_pruned_shows_itself_in_its_first_run(tmp_path: Path) -> None:
    plan = planned(tmp_path, "halving", LOG_LR, "seed=0,1,2", n_trials=4, n_jobs=2)
    _, launcher = run(plan, bowl)
    assert [len(batch) for batch in launcher.batches] == [2, 4, 2, 4]
    judged = [job.told != "{}" for batch in launcher.batches for job in batch]
    assert judged == [True] * 2 + [False] * 4 + [True] * 2 + [False] * 4


def test_what_diverged_is_not_trained_twice(tmp_path: Path) -> None:
    plan = planned(tmp_path, "random", "optimizer.lr=choice(1)", n_trials=3)
    study, launcher = run(plan, lambda _: None)
    assert launcher.trained == [("optimizer.lr=1",)]
    trials = summarise(study, plan)["trials"]
    assert [(trial["state"], trial["same_as"]) for trial in trials] == [
        ("diverged", None),
        ("diverged", 0),
        ("diverged", 0),
    ]
    assert len({trial["reason"] for trial in trials}) == 1


def test_what_was_pruned_is_not_trained_twice(tmp_path: Path) -> None:
    plan = planned(tmp_path, "random", "optimizer.lr=choice(1)", n_trials=2)
    study = optuna.create_study()
    study.add_trial(
        optuna.trial.create_trial(
            state=TrialState.PRUNED,
            value=0.9,
            params={"optimizer.lr": "1"},
            distributions={"optimizer.lr": distribution(plan.parameters[0])},
            intermediate_values={1: 0.7, 2: 0.9},
            user_attrs={"runs": {"trial_0/run": 0.9}},
        )
    )
    launcher = Launcher(plan, bowl)
    search(study, plan, launcher)
    assert launcher.trained == []
    first, second = summarise(study, plan)["trials"]
    told = ("state", "value", "curve", "runs")
    assert (
        [second[name] for name in told]
        == [first[name] for name in told]
        == ["pruned", 0.9, {1: 0.7, 2: 0.9}, {"trial_0/run": 0.9}]
    )
    assert second["same_as"] == 0


@pytest.mark.parametrize(
    ("lines", "knobs", "message"),
    [
        (
            ["optimizer.lr=1,0.2"],
            {},
            r"goes on with the hyperparameters it began with.*choice\(1,0.1\).*choice\(1,0.2\)",
        ),
        (["optimizer.lr=1,0.1", "batch_size=8"], {}, r"goes on with the further choices .*none; received batch_size=8"),
        (["optimizer.lr=1,0.1", "seed=0,1"], {}, r"goes on with the runs of each trial .*received seed=0; seed=1"),
        (["optimizer.lr=1,0.1"], {"metric": "val/acc"}, r"goes on with the metric .*val/loss; received val/acc"),
    ],
)
def test_the_storage_of_another_search_is_refused(
    tmp_path: Path, lines: list[str], knobs: dict[str, str], message: str
) -> None:
    run(planned(tmp_path, "grid", "optimizer.lr=1,0.1"), bowl, stored=True)
    with pytest.raises(UserError, match=message):
        open_study(planned(tmp_path, "grid", *lines, **knobs))


def test_a_drawing_sampler_and_the_number_of_trials_may_change(tmp_path: Path) -> None:
    run(planned(tmp_path, "random", LOG_LR, n_trials=3), bowl, stored=True)
    _, launcher = run(planned(tmp_path, "bayesian", LOG_LR, n_trials=5, startup_trials=1), bowl, stored=True)
    assert len(launcher.trained) == 2


def test_a_grid_does_not_go_on_with_drawn_trials(tmp_path: Path) -> None:
    run(planned(tmp_path, "random", "optimizer.lr=1,0.1", n_trials=1), bowl, stored=True)
    with pytest.raises(UserError, match=r"goes on with the sampler .* random or bayesian; received grid"):
        open_study(planned(tmp_path, "grid", "optimizer.lr=1,0.1"))


def test_a_storage_that_is_no_search_is_refused_and_left_alone(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("these are not the trials")
    plan = planned(tmp_path, "grid", "optimizer.lr=1,0.1", storage=str(notes))
    with pytest.raises(UserError, match="storage must be the SQLite file of a search"), held(plan.storage):
        open_study(plan)
    assert notes.read_text() == "these are not the trials"


def test_a_folder_with_trials_of_a_lost_storage_is_refused(tmp_path: Path) -> None:
    plan = planned(tmp_path, "grid", "optimizer.lr=1,0.1")
    run(plan, bowl, stored=True)
    plan.storage.unlink()
    with pytest.raises(UserError, match=r"a folder without other trials; .* holds trial_0/run"):
        run(plan, bowl, stored=True)


def test_one_process_at_a_time_runs_a_search(tmp_path: Path) -> None:
    plan = planned(tmp_path, "grid", "optimizer.lr=1,0.1")
    with held(plan.storage), pytest.raises(UserError, match="one process at a time"), held(plan.storage):
        pass
    with held(plan.storage):
        pass


def test_the_storage_may_lie_elsewhere(tmp_path: Path) -> None:
    place = tmp_path / "a folder" / "my search.db"
    plan = planned(tmp_path / "sweep", "grid", "optimizer.lr=1,0.1", storage=str(place))
    run(plan, bowl, stored=True)
    assert place.is_file()
    assert not (plan.directory / "search.db").exists()


def test_the_samplers_seed_decides_the_draws(tmp_path: Path) -> None:
    def draws(folder: str, seed: int) -> list[tuple[str, ...]]:
        return run(planned(tmp_path / folder, "random", LOG_LR, n_trials=3, sampler_seed=seed), bowl)[1].trained

    assert draws("a", 1) == draws("b", 1)
    assert not set(draws("c", 2)) & set(draws("a2", 1))
