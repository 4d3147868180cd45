"""What a search is asked to do, in plain values: no Hydra, no Optuna."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import mean, stdev
from typing import Literal

# set in the environment of each job of a search: JSON, empty of keys where nothing is to be pruned
TRIAL = "LIT_TRICKS_TRIAL"

# digits of a number drawn from an interval: fewer than a float has, so that a command line stays readable
DIGITS = 6


@dataclass(frozen=True)
class Choice:
    """A hyperparameter with a few values, each as it is written on the command line."""

    key: str
    texts: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.texts)

    def at(self, index: int) -> str:
        """Return one of the values."""
        return self.texts[index]

    def text(self, value: str) -> str:
        """Return a value as it is written on the command line."""
        return value

    def __str__(self) -> str:
        return f"{self.key}=choice({','.join(self.texts)})"


@dataclass(frozen=True)
class Numbers:
    """A hyperparameter that is a number from ``low`` to ``high``, both included.

    Attributes:
        key: what is set.
        low, high: bounds.
        step: distance of two values, None for an interval.
        whole: whether values are whole numbers.
        log: whether every order of magnitude is drawn equally often, instead of every value.
    """

    key: str
    low: float
    high: float
    step: float | None = None
    whole: bool = False
    log: bool = False

    @property
    def size(self) -> int | None:
        """How many values there are, None for an interval."""
        return None if self.step is None else round((self.high - self.low) / self.step) + 1

    def at(self, index: int) -> float:
        """Return one of the values of a range."""
        assert self.step is not None
        return self.low + index * self.step

    def text(self, value: float) -> str:
        """Return a value as it is written on the command line: six digits of what an interval gives."""
        if self.whole:
            return str(round(value))
        digits = DIGITS if self.step is None else 2 * DIGITS
        return repr(min(max(float(f"{value:.{digits}g}"), float(self.low)), float(self.high)))

    def __str__(self) -> str:
        if self.step is not None:
            return f"{self.key}=range({self.low},{self.high},{self.step}), both ends included"
        inner = f"interval({self.low},{self.high})"
        inner = f"int({inner})" if self.whole else inner
        return f"{self.key}={f'tag(log,{inner})' if self.log else inner}"


Parameter = Choice | Numbers


@dataclass(frozen=True)
class Settings:
    """The knobs of a search; ``n_trials`` is None for every point of a grid."""

    sampler: str
    pruner: str
    n_trials: int | None
    metric: str
    n_jobs: int
    sampler_seed: int
    startup_trials: int
    min_epochs: int
    reduction_factor: int

    def cuts(self, epochs: int) -> list[int]:
        """Return after which of ``epochs`` epochs successive halving cuts; there is nothing to cut after the last."""
        if self.pruner == "none":
            return []
        found = [self.min_epochs]
        while found[-1] < epochs:
            found.append(found[-1] * self.reduction_factor)
        return found[:-1]

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """Whether the metric is to fall or to rise."""
        return "minimize" if self.metric.endswith("loss") else "maximize"


@dataclass(frozen=True)
class Plan:
    """One search.

    Attributes:
        settings: the knobs.
        parameters: what is searched.
        fixed: the overrides that every run gets.
        repetitions: the overrides of each run of a trial, which differ in seed and fold; never empty.
        folds: whether each trial is cross-validated.
        directory: the folder of the sweep.
        storage: the SQLite file.
        single: overrides that make one run of a configuration that sweeps by itself.
    """

    settings: Settings
    parameters: tuple[Parameter, ...]
    fixed: tuple[str, ...]
    repetitions: tuple[tuple[str, ...], ...]
    folds: bool
    directory: Path
    storage: Path
    single: tuple[str, ...] = ()

    @cached_property
    def grid_size(self) -> int | None:
        """How many combinations there are, None with an interval."""
        sizes = [parameter.size for parameter in self.parameters]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    @property
    def n_trials(self) -> int:
        """How many trials the search is to have: no more than the grid has points, where it is one."""
        wanted, size = self.settings.n_trials, self.grid_size
        if self.settings.sampler != "grid":
            assert wanted is not None
            return wanted
        assert size is not None
        return size if wanted is None else min(wanted, size)

    def point(self, index: int) -> dict[str, str | float]:
        """Return one point of the grid; the last parameter changes fastest, as in Hydra's own sweeps."""
        found: dict[str, str | float] = {}
        for parameter in reversed(self.parameters):
            assert parameter.size is not None
            index, digit = divmod(index, parameter.size)
            found[parameter.key] = parameter.at(digit)
        return dict(reversed(found.items()))

    def assignments(self, values: dict[str, str | float]) -> list[str]:
        """Return values as overrides."""
        return [f"{p.key}={p.text(values[p.key])}" for p in self.parameters]  # type: ignore[arg-type]

    @property
    def rounds(self) -> list[tuple[tuple[str, ...], ...]]:
        """The repetitions in the order they are launched: a trial that may be pruned shows itself in the first."""
        if self.settings.pruner == "none" or len(self.repetitions) == 1:
            return [self.repetitions]
        return [self.repetitions[:1], self.repetitions[1:]]

    def run_name(self, trial: int, repetition: Sequence[str]) -> str:
        """Return the folder of one run below the sweep's."""
        name = "_".join(override.rpartition(".")[2].replace("=", "_") for override in repetition)
        return f"trial_{trial}/{name or 'run'}"

    def identity(self) -> dict[str, str]:
        """Return what must not change while a search goes on, since its trials could not be compared."""
        return {
            "hyperparameters": " ".join(map(str, self.parameters)),
            "further choices": " ".join(sorted(self.fixed)) or "none",
            "runs of each trial": "; ".join(" ".join(repetition) for repetition in self.repetitions) or "one",
            "metric": self.settings.metric,
            # a grid counts its points by the trials that are there
            "sampler": "grid" if self.settings.sampler == "grid" else "random or bayesian",
        }


def spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Return mean and sample standard deviation, the latter None for a single value."""
    return mean(values), stdev(values) if len(values) > 1 else None
