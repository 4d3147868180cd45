"""One optimizer at several learning rates on Beale's function."""

from collections.abc import Sequence
from dataclasses import dataclass

from lit_tricks.errors import UserError
from lit_tricks.models.checks import whole_number
from lit_tricks.report.race import end_by_rate, rate_sentence
from lit_tricks.report.surface import paths
from lit_tricks.studies.beale import beale
from lit_tricks.studies.descent import MakeOptimizer, descend
from lit_tricks.studies.on_beale import beale_surface, path_metrics, path_rows, track
from lit_tricks.studies.study import Findings, Study, require_numbers


@dataclass(kw_only=True)
class LearningRateSweep(Study):
    """``optimizer`` takes ``steps`` steps on Beale's function from the same start at each of ``rates``.

    Attributes:
        start: (x, y) where each path begins.
        steps: steps at each rate, at least 1.
        rates: learning rates, at least 0, no two alike.
        optimizer: a factory that takes the parameters and ``lr``.
    """

    start: Sequence[float]
    steps: int
    rates: Sequence[float]
    optimizer: MakeOptimizer

    def __post_init__(self) -> None:
        self.start = require_numbers("start", self.start, 2, "[0.8,1.6]")
        self.steps = whole_number("study.steps", self.steps, 100)
        self.rates = require_numbers("rates", self.rates, None, "[0.01,0.02]")
        if min(self.rates) < 0 or len(set(self.rates)) < len(self.rates):
            raise UserError(
                f"study.rates must be at least 0 and differ; received {self.rates}: try study.rates=[0.01,0.02]"
            )

    def run(self, seed: int) -> Findings:
        """Try every rate."""
        descents = {
            rate: descend(beale, self.start, lambda parameters, lr=rate: self.optimizer(parameters, lr=lr), self.steps)
            for rate in self.rates
        }
        named = {f"lr_{rate:g}": descent for rate, descent in descents.items()}
        tracks = [track(f"rate {rate:g}", descent) for rate, descent in descents.items()]
        sentence = rate_sentence(tracks, self.steps)
        return Findings(
            sentence=sentence,
            metrics={key: value for name, one in named.items() for key, value in path_metrics(name, one).items()},
            figures={
                "paths": paths(beale_surface(), tracks, sentence, ranked=False),
                "end_by_rate": end_by_rate(self.rates, tracks, sentence),
            },
            rows=path_rows(named),
        )
