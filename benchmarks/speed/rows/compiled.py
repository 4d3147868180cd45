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
    trained = train(work, [*words, *sizes, f"compile={str(compile).lower()}"], environment=cache)
    return {"compile": trained.results["seconds"].get("compile", 0.0), "ms": 1000 * trained.times.steps(2) / steps}


EAGER, COMPILED = "eager", "compile=true"

ROWS = (
    Row(
        name="compile",
        title="compile=true, 784-512-512-10, batch 512",
        timed=(
            f"`python train.py` with everything on, plain SGD, {_STEPS} steps an epoch. *Ms a step* is of the third "
            "epoch's steps alone. *To compile* is what the run itself says (`seconds.compile`): forward and backward "
            "pass of the training step, into an empty cache. Validation is never compiled."
        ),
        contenders=(
            Contender(EAGER, partial(_measure, compile=False)),
            Contender(COMPILED, partial(_measure, compile=True)),
        ),
        columns=("ms a step", "to compile, s"),
        lines=(Line(EAGER, EAGER, ("ms", "compile")), Line(COMPILED, COMPILED, ("ms", "compile"))),
        most_rounds=1,
    ),
)
