"""The lectures' Keras baseline (NTU-6): 120,000 steps of plain SGD, beside the ordinary Lightning recipe."""

import time
from typing import Any

from benchmarks.speed.contenders.command_line import train
from benchmarks.speed.contenders.training import images, test_images
from benchmarks.speed.figures import ratio
from benchmarks.speed.row import Claim, Contender, Figures, Line, Row, Work

OURS, RECIPE = "lit_tricks", "Lightning recipe"
_EPOCHS, _BATCH_SIZE, _RATE = 20, 10, 3.0

WORDS = (
    "data=mnist",
    "data.val_size=0",
    "model.hidden=[30]",
    "model.activation=sigmoid",
    "init=glorot_uniform",
    "init.bias=zero",
    "loss=mse",
    "loss.output=sigmoid",
    "optimizer=sgd",
    f"optimizer.lr={_RATE}",
    f"batch_size={_BATCH_SIZE}",
    f"trainer.max_epochs={_EPOCHS}",
)


def _ours(work: Work) -> Figures:
    found = train(work, [*WORDS, *(["data.train_size=600"] if work.quick else [])])
    metrics = found.results["metrics"]
    scores = {f"{split} {name}": metrics[f"{split}/{name}"] for split in ("train", "test") for name in ("loss", "acc")}
    return {"training": _training(found.times), "process": found.process.seconds, **scores}


def _recipe(work: Work) -> Figures:
    began = time.monotonic()
    import torch
    from torch import nn

    from benchmarks.speed.contenders.recipe import Recipe, fit

    torch.manual_seed(work.number)
    x, y = images(work.data_dir, work.share(60_000))
    network = nn.Sequential(nn.Linear(784, 30), nn.Sigmoid(), nn.Linear(30, 10), nn.Sigmoid())
    for layer in (network[0], network[2]):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)

    def loss(outputs: Any, labels: Any) -> Any:
        return nn.functional.mse_loss(outputs, nn.functional.one_hot(labels, 10).float())

    module = Recipe(network, loss, lambda weights: torch.optim.SGD(weights, lr=_RATE))
    times = fit(module, x, y, work.folder, _BATCH_SIZE, _EPOCHS)
    process = time.monotonic() - began
    scores = {}
    for split, (inputs, labels) in {"train": (x, y), "test": test_images(work.data_dir)}.items():
        with torch.inference_mode():
            outputs = network(inputs)
        scores[f"{split} loss"] = float(loss(outputs, labels))
        scores[f"{split} acc"] = float((outputs.argmax(1) == labels).double().mean())
    return {"training": _training(times), "process": process, **scores}


def _training(times: Any) -> float:
    return times.at("train_end") - times.at("train_start")


ROWS = (
    Row(
        name="lecture",
        title="The lectures' baseline, 120,000 steps",
        timed=(
            "784-30-10, sigmoid, sigmoid outputs, mean squared error, Glorot weights, zero biases, SGD at 3.0, batch "
            "10, 20 epochs of all 60,000 MNIST images, one thread, no validation: `python train.py "
            + " ".join(WORDS)
            + "` with everything on, all 20 epochs of both. *Training* is the 20 epochs; *process* is everything from "
            "start to end, for lit_tricks with evaluation and report, for the recipe from its first import to "
            "the end of training. Losses and accuracies are those of the final weights. Published: train .00450, "
            ".97587; test .00664, .96090."
        ),
        contenders=(Contender(OURS, _ours), Contender(RECIPE, _recipe)),
        columns=("training, s", "process, s", "train loss", "train accuracy", "test loss", "test accuracy"),
        lines=tuple(
            Line(one, one, ("training", "process", "train loss", "train acc", "test loss", "test acc"))
            for one in (OURS, RECIPE)
        ),
        claims=(
            Claim(
                "the lectures' baseline: Lightning recipe ÷ lit_tricks, training",
                "at least",
                5.0,
                ratio((RECIPE, "training"), (OURS, "training")),
            ),
        ),
        most_rounds=1,
        digits=4,
    ),
)
