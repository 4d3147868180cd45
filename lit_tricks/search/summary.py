"""What a search came to: ``search.json``, ``search.csv`` and the ready command line."""

import csv
import io
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from lit_tricks.files import write_atomically
from lit_tricks.report.run_files import read_json
from lit_tricks.search.loop import AGAIN, REASON, RUNS, SAME, current
from lit_tricks.search.plan import Plan, spread

# a forest that explains fewer trials says more about itself than about the hyperparameters
ENOUGH_FOR_IMPORTANCE = 20


def summarise(study: optuna.Study, plan: Plan) -> dict[str, Any]:
    """Return the content of ``search.json``.

    ``trials`` are in their order; ``best`` is the one with the best mean of the metric among those that completed,
    None without any. Only for that one the test metrics are read, so they cannot guide the choice.
    """
    trials = [_trial(trial, plan) for trial in current(study)]
    settings = plan.settings
    completed = [trial for trial in trials if trial["state"] == "completed"]
    sign = 1 if settings.direction == "minimize" else -1
    best = min(completed, key=lambda trial: sign * trial["value"], default=None)
    return {
        "sampler": settings.sampler,
        "pruner": settings.pruner,
        "metric": settings.metric,
        "direction": settings.direction,
        "space": [str(parameter) for parameter in plan.parameters],
        "runs_per_trial": [" ".join(repetition) for repetition in plan.repetitions],
        "n_trials": plan.n_trials,
        "counts": {state: sum(t["state"] == state for t in trials) for state in dict.fromkeys(map(_state, trials))},
        "best": None if best is None else {**best, "test": _test(best, plan), **commands(plan, best["overrides"])},
        "importance": _importance(study, plan, completed),
        "trials": trials,
    }


def _state(trial: Mapping[str, Any]) -> str:
    return str(trial["state"])


def _trial(trial: FrozenTrial, plan: Plan) -> dict[str, Any]:
    known = all(parameter.key in trial.params for parameter in plan.parameters)
    runs: dict[str, float | None] = trial.user_attrs.get(RUNS, {})
    values = [value for value in runs.values() if value is not None]
    deviation = spread(values)[1] if trial.state == TrialState.COMPLETE else None
    started, ended = trial.datetime_start, trial.datetime_complete
    return {
        "number": trial.number,
        "state": _ended(trial),
        "reason": trial.user_attrs.get(REASON),
        "overrides": plan.assignments(trial.params) if known else [],
        "params": {p.key: p.text(trial.params[p.key]) for p in plan.parameters if p.key in trial.params},
        # what a pruned trial has is its first run's last value
        "value": trial.value if trial.value is not None and math.isfinite(trial.value) else None,
        "sd": deviation,
        "runs": runs,
        "epochs": trial.last_step,
        "curve": {epoch: value if math.isfinite(value) else None for epoch, value in trial.intermediate_values.items()},
        "same_as": trial.user_attrs.get(SAME),
        "again": trial.user_attrs.get(AGAIN),
        "seconds": (ended - started).total_seconds() if started and ended else None,
    }


def _ended(trial: FrozenTrial) -> str:
    if trial.state == TrialState.PRUNED:
        return "diverged" if REASON in trial.user_attrs else "pruned"
    states = {TrialState.COMPLETE: "completed", TrialState.FAIL: "failed", TrialState.WAITING: "waiting"}
    return states.get(trial.state, "interrupted")


def _test(best: Mapping[str, Any], plan: Plan) -> dict[str, dict[str, float | None]]:
    """Return mean and standard deviation of the test metrics over the runs of the best trial that are still there."""
    found: dict[str, list[float]] = {}
    for folder in best["runs"]:
        for name, value in read_json(plan.directory / folder / "results.json").get("metrics", {}).items():
            if name.startswith("test/") and value is not None:
                found.setdefault(name, []).append(value)
    return {name: dict(zip(("mean", "sd"), spread(values), strict=True)) for name, values in found.items()}


def commands(plan: Plan, assignments: Sequence[str]) -> dict[str, str]:
    """Return ``command``, which trains one network with the given hyperparameters, and ``repeat``, the whole trial.

    Where a trial is cross-validated, the one network trains without folds: no part of the training data is kept
    from it but the usual validation split.
    """
    start = ["python", "train.py"]
    seeds = [override for override in plan.repetitions[0] if override.startswith("seed=")]
    kept = [
        each for each in plan.fixed if not (plan.folds and each.lstrip("+").startswith(("data.folds=", "data.fold=")))
    ]
    folds = ["data.folds=null"] if plan.folds else []
    single = shlex.join([*start, *kept, *assignments, *seeds, *folds, *plan.single])
    if len(plan.repetitions) == 1 and not plan.folds:
        return {"command": single, "repeat": single}
    swept: dict[str, list[str]] = {}
    for override in (override for repetition in plan.repetitions for override in repetition):
        key, _, text = override.partition("=")
        if text not in swept.setdefault(key, []):
            swept[key].append(text)
    lists = [f"{key}={','.join(texts)}" for key, texts in swept.items()]
    # a grid of one point: its mean is the trial's
    point = [f"{key}=choice({text})" for key, _, text in (each.partition("=") for each in assignments)]
    words = ["-m", "hydra/sweeper=grid", f"hydra.sweeper.metric={plan.settings.metric}"]
    return {"command": single, "repeat": shlex.join([*start, *words, *plan.fixed, *point, *lists])}


def _importance(study: optuna.Study, plan: Plan, completed: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    """Return each hyperparameter's share of the variance by fANOVA (Hutter et al. 2014), None with too few trials."""
    values = {trial["value"] for trial in completed}
    if len(completed) < ENOUGH_FOR_IMPORTANCE or len(values) < 2 or len(plan.parameters) < 2:
        return None
    return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)))


def write(summary: Mapping[str, Any], plan: Plan) -> None:
    """Write ``search.json``, ``search.csv`` with a line for each trial, and ``best_command.txt``."""
    folder = plan.directory
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "search.json", json.dumps(summary, indent=2, allow_nan=False) + "\n")
    text = io.StringIO()
    keys = [parameter.key for parameter in plan.parameters]
    columns = ["number", "state", *keys, plan.settings.metric, "sd", "epochs", "seconds", "reason"]
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for trial in summary["trials"]:
        row = {**trial, **trial["params"], plan.settings.metric: trial["value"]}
        table.writerow([row.get(column) for column in columns])
    write_atomically(folder / "search.csv", text.getvalue())
    if summary["best"] is not None:
        write_atomically(folder / "best_command.txt", summary["best"]["command"] + "\n")
