"""How long it takes to begin, and the memory of a training, beside a process that only imports."""

from functools import partial

from benchmarks.speed.contenders.command_line import train
from benchmarks.speed.figures import difference
from benchmarks.speed.processes import REPOSITORY, run
from benchmarks.speed.row import Claim, Contender, Figures, Line, Row, Work

_MEGABYTE = 2**20
FLOOR = "import torch, pytorch_lightning"
MISTAKE, HELP, VERSION = "a mistake: model=mpl", "--help", "--version"
FIRST_STEP, MEMORY = "first training step, data=digits", "MNIST, one epoch"


def _process(work: Work, arguments: tuple[str, ...], expected: int = 0) -> Figures:
    finished = run(arguments, expected=expected)
    return {"seconds": finished.seconds, "megabytes": finished.peak_bytes / _MEGABYTE}


def _first_step(work: Work) -> Figures:
    found = train(work, ["trainer.max_epochs=1"])
    first = found.times.at("first_step") - found.process.began
    return {"seconds": first, "megabytes": found.process.peak_bytes / _MEGABYTE}


def _memory(work: Work) -> Figures:
    found = train(work, ["data=mnist", "trainer.max_epochs=1", *(["data.train_size=600"] if work.quick else [])])
    return {"seconds": found.process.seconds, "megabytes": found.process.peak_bytes / _MEGABYTE}


TRAIN = str(REPOSITORY / "train.py")

ROWS = (
    Row(
        name="start",
        title="Start and memory",
        timed=(
            "Seconds from the start of a process to its end, or to the end of its first training step, and its largest "
            "resident memory. The floor is a process that imports torch and pytorch_lightning and ends. *MNIST, one "
            "epoch* is `python train.py data=mnist trainer.max_epochs=1` with evaluation and report."
        ),
        contenders=(
            Contender(FLOOR, partial(_process, arguments=("-c", FLOOR))),
            Contender(MISTAKE, partial(_process, arguments=(TRAIN, "model=mpl"), expected=2)),
            Contender(HELP, partial(_process, arguments=(TRAIN, "--help"))),
            Contender(VERSION, partial(_process, arguments=(TRAIN, "--version"))),
            Contender(FIRST_STEP, _first_step),
            Contender(MEMORY, _memory),
        ),
        columns=("seconds", "peak memory, MB"),
        lines=tuple(
            Line(name, name, ("seconds", "megabytes")) for name in (FLOOR, MISTAKE, HELP, VERSION, FIRST_STEP, MEMORY)
        ),
        claims=(
            Claim(
                "peak memory of training on MNIST above the floor",
                "at most",
                200.0,
                difference((MEMORY, "megabytes"), (FLOOR, "megabytes")),
                unit="MB",
            ),
        ),
    ),
)
