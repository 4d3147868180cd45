"""A trial that is behind stops early, and only then."""

import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.trial import TrialState
from searching import opened, planned, results

from lit_tricks.search.plan import TRIAL, Plan
from lit_tricks.search.storage import distribution
from lit_tricks.search.trial import Pruning, pruning

HALVING = ["hydra.sweeper.pruner=halving", "hydra.sweeper.reduction_factor=2"]
Sweep = Callable[..., tuple[int, dict[str, Any]]]


def epochs_of(folder: Path) -> int:
    with open(folder / "metrics.csv", encoding="utf-8") as file:
        return len(list(csv.DictReader(file)))


def test_a_hopeless_trial_really_stops_early(sweep: Sweep, tmp_path: Path) -> None:
    code, summary = sweep("hydra/sweeper=grid", *HALVING, "optimizer.lr=0.01,1e-7", "trainer.max_epochs=4", "seed=0,1")
    assert code == 0
    assert [trial["state"] for trial in summary["trials"]] == ["completed", "pruned"]
    assert [trial["epochs"] for trial in summary["trials"]] == [4, 1]
    place = tmp_path / "sweep"
    assert [epochs_of(place / f"trial_{number}" / "seed_0") for number in range(2)] == [4, 1]
    # the other seeds of a pruned trial are spared
    assert [(place / f"trial_{number}" / "seed_1").exists() for number in range(2)] == [True, False]
    pruned = results(place / "trial_1" / "seed_0")
    assert (pruned["status"], pruned["ended"], pruned["epochs"]) == ("completed", "pruned", 1)
    assert results(place / "trial_0" / "seed_0")["ended"] == "max_epochs"


def test_trials_behind_another_launcher_are_judged_by_the_same_storage(sweep: Sweep) -> None:
    launcher = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=1", "hydra.sweeper.n_jobs=2"]
    code, summary = sweep("hydra/sweeper=grid", *HALVING, *launcher, "optimizer.lr=0.05,1e-7", "trainer.max_epochs=2")
    assert code == 0
    assert [trial["state"] for trial in summary["trials"]] == ["completed", "pruned"]


def halving(folder: Path, losses: list[list[float]], epochs: int = 9, **knobs: Any) -> list[int | None]:
    """Report the losses of one trial after the other; return after how many epochs each was pruned."""
    plan: Plan = planned(folder, "halving", "optimizer.lr=interval(0,1)", **knobs)
    study = opened(plan)
    ended: list[int | None] = []
    for curve in losses:
        asked = study.ask({p.key: distribution(p) for p in plan.parameters})
        callback = Pruning(str(plan.storage), asked._trial_id, "val/loss", plan.settings.min_epochs, 3)
        trainer: Any = SimpleNamespace(
            sanity_checking=False, is_last_batch=True, is_global_zero=True, should_stop=False, max_epochs=epochs,
            state=SimpleNamespace(fn="fit"), strategy=SimpleNamespace(broadcast=lambda value: value),
        )  # fmt: skip
        for epoch, loss in enumerate(curve):
            trainer.current_epoch, trainer.callback_metrics = epoch, {"val/loss": loss}
            callback.on_validation_end(trainer, SimpleNamespace())  # type: ignore[arg-type]
            if trainer.should_stop:
                break
        assert trainer.should_stop == (callback.pruned is not None)
        ended.append(callback.pruned)
        study.tell(
            asked,
            state=TrialState.PRUNED if callback.pruned else TrialState.COMPLETE,
            values=None if callback.pruned else curve[-1],
        )
    return ended


def test_cuts_come_after_powers_of_three_and_keep_the_best_third(tmp_path: Path) -> None:
    better, worse = [0.1] * 9, [0.9] * 9
    late = [0.05, 0.05, 0.9, *[0.9] * 6]
    # the first comes alone to every cut; of the later ones only the best of three, then of six, goes on
    assert halving(tmp_path, [better, worse, late, better], epochs=27) == [None, 1, 3, 1]


def test_the_first_cut_waits_for_its_epochs(tmp_path: Path) -> None:
    assert halving(tmp_path, [[0.1] * 9, [0.9] * 9], min_epochs=4) == [None, 4]


def test_nothing_is_cut_at_the_end(tmp_path: Path) -> None:
    assert halving(tmp_path, [[0.1] * 3, [0.05, 0.05, 0.9]], epochs=3) == [None, None]


def test_a_loss_that_is_not_finite_is_cut_at_once(tmp_path: Path) -> None:
    assert halving(tmp_path, [[float("nan")] * 3]) == [1]


def test_only_a_job_that_is_judged_gets_the_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TRIAL, raising=False)
    assert pruning() == []
    monkeypatch.setenv(TRIAL, "{}")
    assert pruning() == []
