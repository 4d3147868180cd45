"""Time of a training step beside a hand-written loop and what users would pick instead."""

from dataclasses import replace
from functools import partial

from benchmarks.speed.contenders.command_line import train
from benchmarks.speed.contenders.training import RATE, TRAININGS, Training
from benchmarks.speed.figures import ratio
from benchmarks.speed.row import Claim, Contender, Figures, Line, Row, Work

LOOP, FUSED, OURS, RECIPE = "hand-written loop", "hand-written loop, fused", "lit_tricks", "Lightning recipe"
# peer → its function, and the package it needs
PEERS = {
    "Keras on torch": ("keras", "keras"),
    "skorch": ("skorch", "skorch"),
    "scikit-learn MLPClassifier": ("scikit_learn", None),
}

EXPLAINED = (
    "The second epoch, on one thread. The hand-written loop indexes float32 images that it scaled beforehand, and "
    "neither validates nor logs nor saves. `lit_tricks` is `python train.py` with everything on (metrics, TensorBoard, "
    "progress bar, checkpoints, scaling of each batch from bytes). *Steps alone* is from the start of the epoch to "
    "the start of its validation: as many steps of the same network as the loop's, but not by the same calls, since "
    "lit_tricks asks for torch's fused step and leaves out what torch wraps around backward pass and step for "
    "debugging. *Fused* is the loop with `fused=True`, which few write. *Whole epoch* "
    "goes on to the start of the next: "
    "validation of 6,000 images, which the loop does not make, both checkpoints and the log, divided by the same "
    "number of training steps. The recipe and the other peers do not validate either."
)


def _loop(work: Work, training: Training, fused: bool = False) -> Figures:
    from benchmarks.speed.contenders.loop import hand_written

    return _a_step(work, training, ms=hand_written(work, training, fused))


def _ours(work: Work, training: Training) -> Figures:
    times = train(work, training.words(work)).times
    alone, whole, validation = times.steps(1), times.whole(1), times.validation(1)
    saving = whole - alone - validation
    return _a_step(work, training, ms=alone, whole=whole, validation=validation, saving=saving)


def _recipe(work: Work, training: Training) -> Figures:
    import torch

    from benchmarks.speed.contenders.recipe import Recipe, fit

    x, y = training.data(work)
    loss = torch.nn.CrossEntropyLoss()
    module = Recipe(training.network(), loss, lambda weights: torch.optim.SGD(weights, lr=RATE))
    times = fit(module, x, y, work.folder, training.batch_size, epochs=2)
    return _a_step(work, training, ms=times.steps(1))


def _peer(work: Work, training: Training, function: str) -> Figures:
    from benchmarks.speed.contenders import peers

    return _a_step(work, training, ms=getattr(peers, function)(work, training))


def _a_step(work: Work, training: Training, **seconds: float) -> Figures:
    """Return the milliseconds a step of each of the ``seconds`` an epoch."""
    return {part: 1000 * value / training.steps_of(work) for part, value in seconds.items()}


def _row(name: str, limit: float, note: str) -> Row:
    """Return the row that compares with the hand-written loop alone."""
    training = TRAININGS[name]
    examples = f"{training.batch_size * training.steps:,} MNIST images, {training.steps:,} steps an epoch"
    return Row(
        name=name,
        title=training.title,
        timed=f"Plain SGD on {examples}. {note}",
        contenders=(
            Contender(LOOP, partial(_loop, training=training)),
            Contender(OURS, partial(_ours, training=training)),
        ),
        columns=("ms a step",),
        lines=(
            Line(LOOP, LOOP, ("ms",)),
            Line("lit_tricks, steps alone", OURS, ("ms",)),
            Line("lit_tricks, whole epoch", OURS, ("whole",)),
            Line("of it validation", OURS, ("validation",)),
            Line("of it checkpoints and log", OURS, ("saving",)),
        ),
        claims=(_claim(training, "steps alone ÷ hand-written loop", limit, "ms"),),
    )


def _claim(training: Training, what: str, limit: float, figure: str) -> Claim:
    return Claim(f"{training.title}: {what}", "at most", limit, ratio((OURS, figure), (LOOP, "ms")))


def _row_with_peers(name: str, limit: float, note: str) -> Row:
    """Return the row with the recipe and the other peers beside the loop."""
    row, training = _row(name, limit, note), TRAININGS[name]
    fused = Contender(FUSED, partial(_loop, training=training, fused=True))
    peers = [Contender(RECIPE, partial(_recipe, training=training))] + [
        Contender(peer, partial(_peer, training=training, function=function), needs)
        for peer, (function, needs) in PEERS.items()
    ]
    whole = _claim(training, "whole epoch ÷ hand-written loop without validation", limit, "whole")
    faster = [
        Claim(
            f"{training.title}: {peer.name} ÷ lit_tricks, steps alone",
            "at least",
            5.0 if peer.name == RECIPE else 1.0,
            ratio((peer.name, "ms"), (OURS, "ms")),
        )
        for peer in peers
    ]
    return replace(
        row,
        contenders=(*row.contenders, fused, *peers),
        lines=(*row.lines, *(Line(peer.name, peer.name, ("ms",)) for peer in (fused, *peers))),
        claims=(*row.claims, whole, *faster),
    )


ROWS = (
    _row_with_peers("mlp30", 1.1, EXPLAINED),
    _row("mlp512-128", 1.08, "Timed as above."),
    _row("mlp512-512", 1.08, "Timed as above."),
    _row("cnn", 1.05, "Timed as above; the loop trains the network of `model=cnn`, with its channels-last layout."),
)
