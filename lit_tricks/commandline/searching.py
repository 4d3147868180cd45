"""From a command line to the plan of a search, with every check that needs no heavy import."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep, Sweep

from lit_tricks.commandline.search_ranges import EPOCH_METRICS, SWEEPER
from lit_tricks.commandline.study import is_study
from lit_tricks.commandline.values import check_value
from lit_tricks.errors import UserError
from lit_tricks.search.plan import Choice, Numbers, Parameter, Plan, Settings
from lit_tricks.targets import is_classical

SWEEPER_CLASS = "hydra_plugins.lit_tricks_search.SearchSweeper"
STORAGE = "search.db"
ONE_AFTER_THE_OTHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"

# Sweeping these repeats each trial instead of making more of them; the last one changes fastest.
REPEATED = ("seed", "data.fold")
# Losses on other examples cannot be compared.
UNSEARCHABLE = ("data", "data.folds")


def is_search(sweeper: Mapping[str, Any]) -> bool:
    """Return whether Hydra's node ``sweeper`` is one of this project's searches."""
    return sweeper.get("_target_") == SWEEPER_CLASS


def plan_search(
    sweeper: Mapping[str, Any], overrides: Sequence[Override], data: Mapping[str, Any], directory: str
) -> Plan:
    """Return what a search has to do.

    Args:
        sweeper: Hydra's node ``sweeper`` as primitives.
        overrides: the overrides of its ``params`` and then those of the command line; of two for one key the
            last counts. What sweeps is searched; seeds and folds that are swept are the runs of each trial.
        data: the composed node ``data``; with ``data.folds`` and no ``data.fold`` every fold is a run.
        directory: the folder of the sweep.

    Raises:
        UserError: a knob out of its range, nothing or the wrong things swept, no validation to select by.
    """
    for key, knob in SWEEPER.items():
        check_value(f"hydra.sweeper.{key}", sweeper.get(key), knob)
    settings = Settings(**{key: sweeper[key] for key in Settings.__dataclass_fields__})
    _check_pruner(settings)
    chosen = {override.get_key_element(): override for override in overrides if not override.is_hydra_override()}
    swept = [override for override in chosen.values() if override.is_sweep_override()]
    parameters = tuple(_parameter(override) for override in swept if override.key_or_group not in REPEATED)
    if not parameters:
        raise UserError(
            "a search needs something to vary besides seed and data.fold; received no such sweep: "
            "try 'optimizer.lr=tag(log,interval(0.0001,0.1))'"
        )
    for parameter in parameters:
        _check_parameter(parameter, settings)
    folds = data.get("folds")
    if not folds and data.get("val_size") == 0:
        raise UserError("a search selects by validation; received data.val_size=0: try data.val_size=0.1")
    place = Path(directory).absolute()
    return Plan(
        settings=settings,
        parameters=parameters,
        fixed=tuple(str(override.input_line) for override in chosen.values() if not override.is_sweep_override()),
        repetitions=_repetitions(chosen, folds),
        folds=bool(folds),
        directory=place,
        storage=Path(sweeper["storage"]).expanduser().absolute() if sweeper["storage"] else place / STORAGE,
    )


def refuse_interval(overrides: Sequence[Override]) -> None:
    """Raise ``UserError`` for an interval, which Hydra's own sweeps cannot draw from."""
    for override in overrides:
        if override.is_interval_sweep():
            raise UserError(
                f"an interval needs a search that draws from it; received '{override.input_line}': "
                "add hydra/sweeper=random"
            )


def check_launcher(sweeper: Mapping[str, Any], launcher: Mapping[str, Any]) -> None:
    """Raise ``UserError`` for trials that are to train at once and would train one after the other.

    A trial that is drawn before others have ended knows less, so that would cost and gain nothing.
    """
    if sweeper["n_jobs"] > 1 and launcher["_target_"] == ONE_AFTER_THE_OTHER:
        raise UserError(
            "hydra.sweeper.n_jobs above 1 needs a launcher that trains several at once; received "
            f"hydra.sweeper.n_jobs={sweeper['n_jobs']} with hydra/launcher=basic: try hydra/launcher=joblib"
        )


def check_trial(sweeper: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Raise ``UserError`` for a configuration that a search cannot judge; ``content`` is one as primitives."""
    if is_study(content):
        raise UserError("a search compares classifiers and a study trains none: leave out the study, or the search")
    target = content["model"].get("_target_")
    if sweeper["pruner"] != "none" and is_classical(target):
        raise UserError(
            f"pruning ends training early, and {target} is fitted at once; received "
            f"hydra.sweeper.pruner={sweeper['pruner']}: try hydra/sweeper=random"
        )


def _check_pruner(settings: Settings) -> None:
    if settings.n_trials is None and settings.sampler != "grid":
        raise UserError(
            f"hydra.sweeper.n_trials must be a whole number at least 1 for sampler={settings.sampler}; received null: "
            "try hydra.sweeper.n_trials=20"
        )
    if settings.pruner != "none" and settings.metric not in EPOCH_METRICS:
        raise UserError(
            f"pruning needs a metric of every epoch: {', '.join(EPOCH_METRICS)}; received {settings.metric}: "
            "try hydra.sweeper.metric=val/loss"
        )


def _parameter(override: Override) -> Parameter:
    key, value = override.get_key_element(), override.value()
    if override.key_or_group in UNSEARCHABLE:
        raise UserError(
            f"a search compares trials on one data set; received '{override.input_line}': "
            f"choose one {override.key_or_group}"
        )
    log = isinstance(value, Sweep) and "log" in value.tags
    if isinstance(value, IntervalSweep):
        assert value.start is not None
        assert value.end is not None
        whole = isinstance(value.start, int) and isinstance(value.end, int)
        return Numbers(key, value.start, value.end, 1 if whole and not log else None, whole, log)
    if isinstance(value, RangeSweep):
        points = sorted(value.range())
        whole = all(isinstance(point, int) for point in points)
        # sums of a step that is no binary fraction are off in their last digit
        low, high = (end if whole else float(f"{end:.12g}") for end in (points[0], points[-1]))
        return Numbers(key, low, high, abs(value.step), whole, log)
    if isinstance(value, ChoiceSweep):
        value.shuffle = False
    return Choice(key, tuple(dict.fromkeys(override.sweep_string_iterator())))


def _check_parameter(parameter: Parameter, settings: Settings) -> None:
    if settings.sampler == "grid" and parameter.size is None:
        raise UserError(f"a grid needs single values; received {parameter}: list some, or try hydra/sweeper=random")
    if isinstance(parameter, Choice):
        return
    if parameter.low > parameter.high:
        raise UserError(f"an interval must rise; received {parameter}: swap its ends")
    if parameter.log and parameter.step is not None:
        raise UserError(f"a range has no logarithmic form; received {parameter}: try tag(log,int(interval(LOW,HIGH)))")
    if parameter.log and parameter.low <= 0:
        raise UserError(f"a logarithmic interval must begin above 0; received {parameter}: try a small first number")


def _repetitions(chosen: Mapping[str, Override], folds: Any) -> tuple[tuple[str, ...], ...]:
    lists: dict[str, list[str]] = {}
    for key in REPEATED:
        override = chosen.get(key)
        if override is not None and override.is_sweep_override():
            if override.is_interval_sweep():
                raise UserError(f"{key} must be listed; received '{override.input_line}': try {key}=0,1,2")
            lists[key] = list(dict.fromkeys(override.sweep_string_iterator()))
    if folds and "data.fold" not in chosen:
        lists["data.fold"] = [str(fold) for fold in range(folds)]
    found: list[tuple[str, ...]] = [()]
    for key in REPEATED:
        if key in lists:
            found = [(*before, f"{key}={text}") for before in found for text in lists[key]]
    return tuple(found)
