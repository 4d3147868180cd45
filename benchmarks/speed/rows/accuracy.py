"""Time until a validation accuracy is reached, beside the ordinary Lightning recipe."""

import time
from functools import partial

from benchmarks.speed.contenders.command_line import train
from benchmarks.speed.contenders.training import images
from benchmarks.speed.figures import ratio
from benchmarks.speed.row import Claim, Contender, Figures, Line, Row, Work
from benchmarks.speed.times import Times

OURS, RECIPE = "lit_tricks", "Lightning recipe"
_MOST_EPOCHS = 30
_VALIDATION = 0.1


def _ours(work: Work, data: str, model: str, batch_size: int, accuracy: float) -> Figures:
    words = [f"data={data}", f"model={model}", f"batch_size={batch_size}", f"seed={work.number}"]
    found = train(work, [*words, f"trainer.max_epochs={_MOST_EPOCHS}", *_less(work)], stop_at=accuracy)
    return _figures(found.times, found.process.seconds, work)


def _less(work: Work) -> list[str]:
    return ["data.train_size=0.02", "trainer.max_epochs=1"] if work.quick else []


def _recipe(work: Work, data: str, model: str, batch_size: int, accuracy: float) -> Figures:
    began = time.monotonic()
    import torch

    from benchmarks.speed.contenders.recipe import Recipe, fit
    from lit_tricks.models import CNN, MLP

    torch.manual_seed(work.number)
    x, y = images(work.data_dir, work.share(60_000), flat=False, name=data)
    network = {"mlp": MLP, "cnn": CNN}[model]((1, 28, 28), 10)
    epochs = 1 if work.quick else _MOST_EPOCHS
    module = Recipe(network, torch.nn.CrossEntropyLoss(), torch.optim.Adam)
    times = fit(module, x, y, work.folder, batch_size, epochs, _VALIDATION, accuracy)
    return _figures(times, time.monotonic() - began, work)


def _figures(times: Times, process: float, work: Work) -> Figures:
    if not times.reached and not work.quick:
        raise RuntimeError(f"the accuracy was not reached within {_MOST_EPOCHS} epochs")
    last = times.epochs - 1
    training = times.at("validation_end", last) - times.at("train_start")
    return {"training": training, "process": process, "epochs": times.epochs, "epoch": training / times.epochs}


def _row(name: str, title: str, data: str, model: str, batch_size: int, accuracy: float) -> Row:
    options = {"data": data, "model": model, "batch_size": batch_size, "accuracy": accuracy}
    return Row(
        name=name,
        title=title,
        timed=(
            f"`model={model}` as it comes, Adam at its defaults, batch {batch_size}, 54,000 images to train on and "
            "6,000 to validate on, one thread, the number of the round as seed. Training ends after the first epoch "
            f"whose validation accuracy is at least {accuracy:g}. *Training* is from its start to the end of that "
            "validation, *an epoch* that divided by the number of epochs, in which there is no luck; "
            "*process* is all of the process, in which lit_tricks evaluates all three splits and "
            "writes its report afterwards, and the recipe does neither. The recipe's network is the same class with "
            "PyTorch's initial weights, as ours has by default. The recipe's process is timed from its first import."
        ),
        contenders=(Contender(OURS, partial(_ours, **options)), Contender(RECIPE, partial(_recipe, **options))),
        columns=("training, s", "process, s", "epochs", "an epoch, s"),
        lines=tuple(Line(one, one, ("training", "process", "epochs", "epoch")) for one in (OURS, RECIPE)),
        claims=tuple(
            Claim(f"{title}: Lightning recipe ÷ lit_tricks, {of}", "at least", 1.0, ratio((RECIPE, of), (OURS, of)))
            for of in ("training", "process", "epoch")
        ),
        most_rounds=3,
    )


ROWS = (
    _row("mnist97", "97% on MNIST, mlp", "mnist", "mlp", 32, 0.97),
    _row("mnist99", "99% on MNIST, cnn", "mnist", "cnn", 128, 0.99),
    _row("fashion90", "90% on Fashion-MNIST, cnn", "fashion_mnist", "cnn", 128, 0.9),
)
