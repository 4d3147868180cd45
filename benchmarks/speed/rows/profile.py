"""Where the time of a step goes, in the hand-written loop and in lit_tricks."""

import json
from functools import partial

from benchmarks.speed.contenders.command_line import run_with
from benchmarks.speed.contenders.training import TRAININGS, Training
from benchmarks.speed.parts import PARTS
from benchmarks.speed.row import Contender, Figures, Line, Row, Work

HEADINGS = {"whole": "whole step, µs", "finite": "finite?"}
COLUMNS = ("whole", *PARTS)


def _loop(work: Work, training: Training) -> Figures:
    from benchmarks.speed.contenders.loop import by_parts

    return by_parts(work, training)


def _ours(work: Work, training: Training) -> Figures:
    place = work.folder / "parts.json"
    run_with(work, training.words(work), {"_target_": "benchmarks.speed.callbacks.StepParts", "path": str(place)})
    return json.loads(place.read_text(encoding="utf-8"))


def _name(training: Training, side: str) -> str:
    return f"{training.title}: {side}"


SIDES = {"loop": _loop, "lit_tricks": _ours}
_NAMES = [_name(training, side) for training in TRAININGS.values() for side in SIDES]

ROWS = (
    Row(
        name="profile",
        title="Where the time goes",
        timed=(
            "Microseconds a step by part, of the work of the rows above, with a stopwatch around each part; the "
            "stopwatches themselves take a few microseconds a step, most of it in *rest*. In lit_tricks, *gather* "
            "takes up to 64 batches at once and scales them from bytes, *finite?* asks whether the loss still is, "
            "*bookkeeping* notes loss and accuracy, counts steps and shows progress, *outside* is what the epoch "
            "takes besides, spread over its steps: its first and its last step, which go through Lightning, and "
            "drawing the order. The loop's *gather* indexes images that are scaled already."
        ),
        contenders=tuple(
            Contender(_name(training, side), partial(measure, training=training))
            for training in TRAININGS.values()
            for side, measure in SIDES.items()
        ),
        columns=tuple(HEADINGS.get(part, part) for part in COLUMNS),
        lines=tuple(Line(name, name, COLUMNS) for name in _NAMES),
        base=False,
    ),
)
