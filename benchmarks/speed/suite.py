"""All rows, in the order in which they are measured and shown."""

from benchmarks.speed.row import Row
from benchmarks.speed.rows import (
    accuracy,
    augmentation,
    compiled,
    evaluation,
    growth,
    lecture,
    profile,
    start,
    steps,
)

_MODULES = (steps, evaluation, growth, accuracy, lecture, augmentation, start, compiled, profile)
SUITE: dict[str, Row] = {row.name: row for module in _MODULES for row in module.ROWS}
