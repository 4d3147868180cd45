"""``compile=true`` beside eager training."""

from functools import partial

from benchmarks.speed.contenders.command_line import train
from benchmarks.speed.row import Contender, Figures, Line, Row, Work

_BATCH_SIZE, _STEPS = 512, 90


def _measure(work: Work, compile: bool) -> Figures:
    steps = work.share(_STEPS)
    words = ["data=mnist", "model.hidden=[512,512]", f"batch_size={_BATCH_SIZE}", "optimizer=sgd"]
    sizes = [f"data.train_size={_BATCH_SIZE * steps}", "trainer.max_epochs=3"]
    # an empty cache, so that every round compiles
    cache = {"TORCHINDUCTOR_CACHE_DIR": str(work.folder / "cache")}
    times = train(work, [*words, *sizes, f"compile={str(compile).lower()}"], environment=cache).times
    return {"first": times.whole(0) - times.whole(2), "ms": 1000 * times.steps(2) / steps}


EAGER, COMPILED = "eager", "compile=true"

ROWS = (
    Row(
        name="compile",
        title="compile=true, 784-512-512-10, batch 512",
        timed=(
            f"`python train.py` with everything on, plain SGD, {_STEPS} steps an epoch. *Ms a step* is of the third "
            "epoch's steps alone. *First epoch's excess* is by how much the first epoch took longer than the third: "
            "the time to compile, for training and for validation, into an empty cache."
        ),
        contenders=(
            Contender(EAGER, partial(_measure, compile=False)),
            Contender(COMPILED, partial(_measure, compile=True)),
        ),
        columns=("ms a step", "first epoch's excess, s"),
        lines=(Line(EAGER, EAGER, ("ms", "first")), Line(COMPILED, COMPILED, ("ms", "first"))),
        most_rounds=1,
    ),
)
