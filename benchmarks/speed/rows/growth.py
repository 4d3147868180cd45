"""Time and memory as the number of examples grows."""

from functools import partial
from pathlib import Path

from benchmarks.speed.contenders.command_line import train
from benchmarks.speed.contenders.training import images
from benchmarks.speed.figures import exponent, median, ratio
from benchmarks.speed.row import Claim, Contender, Figures, Line, Rounds, Row, Work

SIZES = (6_000, 60_000, 600_000)
_MEGABYTE = 2**20


def _label(size: int) -> str:
    return f"{size:,}"


def _measure(work: Work, size: int) -> Figures:
    folder = work.folder / "data"
    folder.mkdir()
    _repeat_mnist(work.data_dir, folder, work.share(size))
    words = ["data=npy", f"data.path={folder}", "batch_size=128", "optimizer=sgd", "trainer.max_epochs=2"]
    found = train(work, words)
    return {
        "seconds": found.times.whole(1),
        "steps": found.times.steps(1),
        "anonymous": found.process.peak_anonymous_bytes / _MEGABYTE,
        "evaluate": found.results["seconds"]["evaluate"],
    }


def _repeat_mnist(data_dir: Path, folder: Path, size: int) -> None:
    """Write MNIST's training images over and over, ``size`` of them, and a thousand test images, as ``.npy``."""
    import numpy as np
    from numpy.lib.format import open_memmap

    x, y = (tensor.numpy() for tensor in images(data_dir, 60_000, flat=False))
    pixels = (255 * x).round().astype(np.uint8)
    inputs = open_memmap(folder / "x_train.npy", mode="w+", dtype=np.uint8, shape=(size, *pixels.shape[1:]))
    for start in range(0, size, len(pixels)):
        inputs[start : start + len(pixels)] = pixels[: size - start]
    inputs.flush()
    np.save(folder / "y_train.npy", np.resize(y, size))
    np.save(folder / "x_test.npy", pixels[:1000])
    np.save(folder / "y_test.npy", y[:1000])


def _growth(figure: str, sizes: tuple[int, ...], rounds: Rounds) -> float:
    return exponent(sizes, [median(rounds, _label(size), figure) for size in sizes])


ROWS = (
    Row(
        name="growth",
        title="Growth with the number of examples",
        timed=(
            "`data=npy` maps MNIST, repeated, from disk; `model=mlp`, batch 128, SGD, everything on, a tenth "
            "validates. *An epoch* is the second one from its start to the end of training; *steps alone* without "
            "its validation. *Peak memory* is the largest anonymous memory of the whole process (what no file backs), "
            "evaluation and report included."
        ),
        contenders=tuple(Contender(_label(size), partial(_measure, size=size)) for size in SIZES),
        columns=("an epoch, s", "steps alone, s", "final evaluation, s", "peak memory, MB"),
        lines=tuple(
            Line(f"{label} examples", label, ("seconds", "steps", "evaluate", "anonymous"))
            for label in map(_label, SIZES)
        ),
        base=False,
        claims=(
            Claim(
                "growth: exponent of an epoch's seconds, 6,000 to 600,000 examples",
                "at most",
                1.05,
                partial(_growth, "seconds", SIZES),
            ),
            Claim(
                "growth: exponent of an epoch's seconds, 60,000 to 600,000 examples",
                "at most",
                1.05,
                partial(_growth, "seconds", SIZES[1:]),
            ),
            Claim(
                "growth: peak memory with 600,000 ÷ 6,000 examples",
                "at most",
                1.1,
                ratio((_label(SIZES[-1]), "anonymous"), (_label(SIZES[0]), "anonymous")),
            ),
        ),
    ),
)
