"""Optimizers race on Beale's function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lit_tricks.models.checks import whole_number
from lit_tricks.report.race import progress, ranking
from lit_tricks.report.surface import paths, paths_together
from lit_tricks.studies.beale import beale
from lit_tricks.studies.descent import descend
from lit_tricks.studies.on_beale import beale_surface, path_metrics, path_rows, track
from lit_tricks.studies.study import Findings, Study, chosen, require_numbers


@dataclass(kw_only=True)
class OptimizerRace(Study):
    """Every contender takes ``steps`` steps on Beale's function from the same start; the paths are drawn and ranked.

    Attributes:
        start: (x, y) where all begin.
        steps: steps of each, at least 1.
        contenders: by name, ``optimizer``, a factory that takes the parameters, and perhaps ``scheduler``.
        only: the names that take part; None for all.
    """

    start: Sequence[float]
    steps: int
    contenders: Mapping[str, Mapping[str, Any]]
    only: Sequence[str] | None = None

    def __post_init__(self) -> None:
        self.start = require_numbers("start", self.start, 2, "[0.8,1.6]")
        self.steps = whole_number("study.steps", self.steps, 100)
        self.contenders = chosen(self.contenders, self.only, "contenders")

    def run(self, seed: int) -> Findings:
        """Race."""
        descents = {
            name: descend(beale, self.start, contender["optimizer"], self.steps, contender.get("scheduler"))
            for name, contender in self.contenders.items()
        }
        tracks = [track(name, descent) for name, descent in descents.items()]
        sentence = ranking(tracks, self.steps)
        return Findings(
            sentence=sentence,
            metrics={key: value for name, one in descents.items() for key, value in path_metrics(name, one).items()},
            figures={
                "paths": paths(beale_surface(), tracks, sentence),
                "paths_together": paths_together(beale_surface(), tracks, sentence),
                "progress": progress(tracks),
            },
            rows=path_rows(descents),
        )
