"""The storage file of a search, its samplers and its pruner."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.trial import Trial

from lit_tricks.errors import UserError
from lit_tricks.files import locked
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.search.plan import Choice, Parameter, Plan, Settings

# what Optuna says at every trial is said better by the search
optuna.logging.set_verbosity(optuna.logging.WARNING)

STUDY = "search"
IDENTITY = "identity"
# seconds that a process waits while another writes
PATIENCE = 60
SQLITE = b"SQLite format 3\0"


def _open(path: Path) -> RDBStorage:
    return RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": PATIENCE}})


def open_study(plan: Plan) -> optuna.Study:
    """Return the study in the plan's storage file, which is made when it is not there.

    Raises ``UserError`` when the file holds another search, or none.
    """
    plan.storage.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=STUDY, storage=_open(plan.storage), direction=plan.settings.direction, load_if_exists=True
    )
    ours = plan.identity()
    theirs = study.user_attrs.get(IDENTITY)
    if theirs is None:
        study.set_user_attr(IDENTITY, ours)
    elif theirs != ours:
        what = next(name for name in ours if theirs.get(name) != ours[name])
        raise UserError(
            f"a search goes on with the {what} it began with; {plan.storage} has {theirs.get(what)}; "
            f"received {ours[what]}: repeat its command, or choose another hydra.sweep.dir"
        )
    return study


@contextmanager
def held(storage: Path) -> Iterator[None]:
    """Hold the search for this process.

    Raises ``UserError`` while another one runs it, and for a file that is no storage.
    """
    begins = b""
    if storage.is_file():
        with open(storage, "rb") as file:
            begins = file.read(len(SQLITE))
    if begins not in (b"", SQLITE):
        raise UserError(
            f"hydra.sweeper.storage must be the SQLite file of a search, or a new one; {storage} is neither: "
            "try hydra.sweeper.storage=search.db"
        )
    storage.parent.mkdir(parents=True, exist_ok=True)
    busy = f"one process at a time may run a search; another holds {storage}: wait until it ends"
    with locked(storage.with_name(f".{storage.name}.lock"), busy):
        yield


def trial_in(storage: Path, identifier: int, min_epochs: int, reduction_factor: int) -> Trial:
    """Return a trial of the study in ``storage``, as the process of its job reports to it."""
    pruner = _halving(min_epochs, reduction_factor)
    study = optuna.load_study(study_name=STUDY, storage=_open(storage), sampler=RandomSampler(), pruner=pruner)
    return Trial(study, identifier)


def _halving(min_epochs: int, reduction_factor: int) -> BasePruner:
    return SuccessiveHalvingPruner(min_resource=min_epochs, reduction_factor=reduction_factor)


def sampler(settings: Settings, drawn: int) -> BaseSampler:
    """Return the sampler for the draw after ``drawn`` others.

    Each draw has a seed of its own, so that a search that was interrupted draws what it would have drawn.
    """
    seed = derive_seed(settings.sampler_seed, "draw", drawn) % 2**32
    if settings.sampler == "bayesian":
        return TPESampler(n_startup_trials=settings.startup_trials, seed=seed)
    return RandomSampler(seed=seed)


def distribution(parameter: Parameter) -> BaseDistribution:
    """Return Optuna's form of a hyperparameter."""
    if isinstance(parameter, Choice):
        return CategoricalDistribution(parameter.texts)
    if parameter.whole:
        step = 1 if parameter.step is None else int(parameter.step)
        return IntDistribution(int(parameter.low), int(parameter.high), parameter.log, step)
    return FloatDistribution(float(parameter.low), float(parameter.high), parameter.log, parameter.step)
