"""The search itself: ask for hyperparameters, let the launcher train them, tell how they did."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from lit_tricks.errors import Diverged, UserError
from lit_tricks.record import reason
from lit_tricks.report.run_files import read_json
from lit_tricks.search.plan import Plan, spread
from lit_tricks.search.storage import distribution, sampler

log = logging.getLogger("lit_tricks")

# attributes of a trial in the storage
AGAIN, REASON, RUNS, SAME = "again", "reason", "runs", "same"


@dataclass(frozen=True)
class Job:
    """One run of one trial: its overrides, its folder below the sweep's, what ``TRIAL`` tells its process."""

    overrides: tuple[str, ...]
    folder: str
    told: str


# trains jobs and returns what each one raised, None for nothing
Launch = Callable[[Sequence[Job]], Sequence[BaseException | None]]


@dataclass(frozen=True)
class Run:
    """How one run ended: ``completed``, ``pruned``, ``diverged`` or ``failed``, the last two with the reason."""

    folder: str
    state: str
    value: float | None = None
    reason: str | None = None


def search(study: optuna.Study, plan: Plan, launch: Launch) -> None:
    """Run the trials that the study still lacks.

    What failed or was interrupted in an earlier call is tried again, with the same hyperparameters. Whatever ends
    this call, Ctrl-C or a kill, leaves a study that the next call continues.

    Raises ``UserError`` when the folder of the sweep holds trials that the study does not know.
    """
    _queue_again(study)
    while (left := plan.n_trials - sum(trial.state.is_finished() for trial in current(study))) > 0:
        _batch(study, plan, launch, min(left, plan.settings.n_jobs))


def current(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials without those that another one repeats."""
    trials = study.get_trials(deepcopy=False)
    repeated = {trial.user_attrs.get(AGAIN) for trial in trials}
    return [trial for trial in trials if trial.number not in repeated]


def _queue_again(study: optuna.Study) -> None:
    for trial in current(study):
        if trial.state == TrialState.RUNNING:
            study.tell(trial.number, state=TrialState.FAIL)
        if trial.state in (TrialState.RUNNING, TrialState.FAIL):
            study.enqueue_trial(trial.params, user_attrs={AGAIN: trial.number})


def _batch(study: optuna.Study, plan: Plan, launch: Launch, count: int) -> None:
    asked = [_ask(study, plan) for _ in range(count)]
    trials = [trial for trial in asked if not _is_known(study, trial)]
    runs: dict[int, list[Run]] = {trial.number: [] for trial in trials}
    for repetitions in plan.rounds:
        going = [trial for trial in trials if all(run.state == "completed" for run in runs[trial.number])]
        pairs = [(trial, repetition) for trial in going for repetition in repetitions]
        jobs = [_job(plan, trial, repetition) for trial, repetition in pairs]
        for (trial, _), job, error in zip(pairs, jobs, launch(jobs) if jobs else [], strict=True):
            runs[trial.number].append(_outcome(plan, job, error))
    for trial in trials:
        _tell(study, plan, trial, runs[trial.number])


def _ask(study: optuna.Study, plan: Plan) -> Trial:
    drawn = len(current(study))
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if plan.settings.sampler == "grid" and not waiting:
        study.enqueue_trial(plan.point(drawn))
    study.sampler = sampler(plan.settings, drawn)
    return study.ask({parameter.key: distribution(parameter) for parameter in plan.parameters})


def _is_known(study: optuna.Study, trial: Trial) -> bool:
    """Give a trial the outcome of an earlier one with the same hyperparameters: it would train the same networks."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    earlier = next((one for one in ended if one.params == trial.params), None)
    if earlier is None:
        return False
    for name, attribute in {SAME: earlier.number, **earlier.user_attrs}.items():
        if name in (SAME, RUNS, REASON):
            trial.set_user_attr(name, attribute)
    for epoch, value in earlier.intermediate_values.items():
        trial.report(value, epoch)
    complete = earlier.state == TrialState.COMPLETE
    study.tell(trial, earlier.value if complete else None, state=earlier.state)
    log.info("trial %d: the same hyperparameters as trial %d", trial.number, trial.user_attrs[SAME])
    return True


def _job(plan: Plan, trial: Trial, repetition: Sequence[str]) -> Job:
    asked: dict[str, Any] = {}
    if plan.settings.pruner == "halving" and repetition == plan.repetitions[0]:
        asked = {
            "storage": str(plan.storage),
            "trial": trial._trial_id,
            "metric": plan.settings.metric,
            "min_epochs": plan.settings.min_epochs,
            "reduction_factor": plan.settings.reduction_factor,
        }
    folder = plan.run_name(trial.number, repetition)
    if (plan.directory / folder).exists():
        raise UserError(
            f"a search needs a folder without other trials; {plan.directory} holds {folder} and {plan.storage} "
            "does not know it: choose another hydra.sweep.dir"
        )
    overrides = (*plan.fixed, *plan.assignments(trial.params), *repetition)
    return Job(overrides, folder, json.dumps(asked))


def _outcome(plan: Plan, job: Job, error: BaseException | None) -> Run:
    """Return how a run ended, from what it left behind."""
    results = read_json(plan.directory / job.folder / "results.json")
    if isinstance(error, Diverged):
        return Run(job.folder, "diverged", reason=str(error))
    if error is not None or results.get("status") != "completed":
        said = reason(error) if error is not None else results.get("reason")
        return Run(job.folder, "failed", reason=said or "the run left no results.json")
    metric, metrics = plan.settings.metric, results.get("metrics", {})
    if metric not in metrics:
        return Run(job.folder, "failed", reason=f"the run has no {metric}: it has no validation split")
    if metric == "val/loss" and results.get("probabilistic") is False:
        said = f"{results['estimator']} gives no probabilities and so no loss: try hydra.sweeper.metric=val/acc"
        return Run(job.folder, "failed", reason=said)
    if metrics[metric] is None:
        return Run(job.folder, "diverged", reason=f"{metric} is not a finite number")
    return Run(job.folder, "pruned" if results.get("ended") == "pruned" else "completed", metrics[metric])


def _tell(study: optuna.Study, plan: Plan, trial: Trial, runs: Sequence[Run]) -> None:
    trial.set_user_attr(RUNS, {run.folder: run.value for run in runs})
    worst = next((run for state in ("failed", "diverged", "pruned") for run in runs if run.state == state), None)
    if worst is None:
        value, deviation = spread([run.value for run in runs if run.value is not None])
        study.tell(trial, value)
        said = f"{plan.settings.metric} {value:.4g}" + ("" if deviation is None else f" ± {deviation:.2g}")
    else:
        said = worst.state
        if worst.reason is not None:
            trial.set_user_attr(REASON, worst.reason)
            said += f": {worst.reason}"
        # to the sampler a pruned trial without a value is the worst of all, which a diverged one should be
        study.tell(trial, state=TrialState.FAIL if worst.state == "failed" else TrialState.PRUNED)
    log.info("trial %d: %s (%s)", trial.number, said, " ".join(plan.assignments(trial.params)))
