"""Every contender trains the same network the same way; each runs in a process of its own and prints one figure.

``python -m benchmarks.speed.contenders NAME DATA_DIR HIDDEN BATCH_SIZE STEPS`` prints milliseconds a step, the mean
over one epoch after a first one. The work is plain SGD at .1 on 784-HIDDEN-10 with sigmoid units and softmax
cross-entropy over the first ``BATCH_SIZE * STEPS`` MNIST images, shuffled, on one thread.
"""

import csv
import itertools
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

RATE = 0.1


def load(data_dir: str, examples: int) -> tuple[Any, Any]:
    """Return ``examples`` flattened MNIST images as float32 in [0, 1] with their labels, as tensors."""
    from lit_tricks.data import MNISTSource

    train = MNISTSource(data_dir).load().train
    return train.x[:examples].flatten(1).float() / 255, train.y[:examples]


def network(hidden: list[int]) -> Any:
    """Return the network that the torch contenders share."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    sizes = [784, *hidden]
    layers: list[nn.Module] = []
    for entering, leaving in itertools.pairwise(sizes):
        layers += [nn.Linear(entering, leaving), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))


def hand_written(data_dir: str, hidden: list[int], batch_size: int, steps: int) -> float:
    """The loop one would write: index the batch, zero_grad, forward, backward, step; no metric, no log."""
    import torch

    x, y = load(data_dir, batch_size * steps)
    net = network(hidden)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()
    for _ in range(2):
        started = time.perf_counter()
        order = torch.randperm(len(y))
        for start in range(0, len(y), batch_size):
            index = order[start : start + batch_size]
            optimizer.zero_grad()
            criterion(net(x[index]), y[index]).backward()
            optimizer.step()
        seconds = time.perf_counter() - started
    return seconds / steps


def lit_tricks(data_dir: str, hidden: list[int], batch_size: int, steps: int) -> float:
    """The command line with everything on: metrics, validation, TensorBoard, progress, checkpoints."""
    from lit_tricks.commandline.entry import main

    with tempfile.TemporaryDirectory() as folder:
        # a tenth is validated on top of the examples that train
        place = Path(folder) / "run"
        words = ["data=mnist", f"data_dir={data_dir}", "model.activation=sigmoid", "threads=1", "trainer=cpu"]
        sizes = [f"batch_size={batch_size}", f"data.train_size={batch_size * steps}", f"model.hidden={hidden}"]
        words += ["optimizer=sgd", f"optimizer.lr={RATE}", "trainer.max_epochs=2", f"hydra.run.dir={place}"]
        if main([*words, *sizes]) != 0:
            raise RuntimeError("the run failed")
        rows = list(csv.DictReader((place / "metrics.csv").read_text(encoding="utf-8").splitlines()))
    return float(rows[1]["epoch_seconds"]) / steps


def lightning(data_dir: str, hidden: list[int], batch_size: int, steps: int) -> float:
    """The ordinary Lightning recipe: TensorDataset, DataLoader, torchmetrics, self.log, bar, TensorBoard."""
    import pytorch_lightning as pl
    import torch
    import torchmetrics
    from pytorch_lightning.loggers import TensorBoardLogger

    x, y = load(data_dir, batch_size * steps)

    class Recipe(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = network(hidden)
            self.accuracy = torchmetrics.Accuracy("multiclass", num_classes=10)
            self.seconds = 0.0

        def training_step(self, batch: Any, index: int) -> Any:
            logits = self.net(batch[0])
            loss = torch.nn.functional.cross_entropy(logits, batch[1])
            self.accuracy(logits, batch[1])
            self.log("loss", loss, on_epoch=True, on_step=False, prog_bar=True)
            self.log("acc", self.accuracy, on_epoch=True, on_step=False, prog_bar=True)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.net.parameters(), lr=RATE)

        def on_train_epoch_start(self) -> None:
            self.started = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            self.seconds = time.perf_counter() - self.started

    data = torch.utils.data.TensorDataset(x, y)
    loader = torch.utils.data.DataLoader(data, batch_size=batch_size, shuffle=True)
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(accelerator="cpu", max_epochs=2, logger=TensorBoardLogger(folder), default_root_dir=folder)
        module = Recipe()
        trainer.fit(module, loader)
    return module.seconds / steps


def keras(data_dir: str, hidden: list[int], batch_size: int, steps: int) -> float:
    """Keras on its torch backend, ``compile`` and ``fit`` with the accuracy as metric."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    x, y = (tensor.numpy() for tensor in load(data_dir, batch_size * steps))
    layers = [k.layers.Dense(size, activation="sigmoid") for size in hidden]
    model = k.Sequential([k.layers.Input((784,)), *layers, k.layers.Dense(10)])
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=k.optimizers.SGD(RATE), loss=loss, metrics=["accuracy"])
    model.fit(x[: batch_size * 20], y[: batch_size * 20], batch_size=batch_size, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)
    return (time.perf_counter() - started) / steps


def skorch(data_dir: str, hidden: list[int], batch_size: int, steps: int) -> float:
    """skorch's NeuralNetClassifier without a validation split, otherwise as it comes."""
    import torch
    from skorch import NeuralNetClassifier

    x, y = (tensor.numpy() for tensor in load(data_dir, batch_size * steps))
    net = NeuralNetClassifier(
        network(hidden),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=RATE,
        batch_size=batch_size,
        max_epochs=2,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    net.fit(x, y)
    return float(net.history[-1]["dur"]) / steps


def scikit_learn(data_dir: str, hidden: list[int], batch_size: int, steps: int) -> float:
    """scikit-learn's MLPClassifier with the same optimizer and batches."""
    from sklearn.neural_network import MLPClassifier

    x, y = (tensor.numpy() for tensor in load(data_dir, batch_size * steps))
    model = MLPClassifier(hidden, activation="logistic", solver="sgd", alpha=0.0, batch_size=batch_size)
    model.set_params(learning_rate_init=RATE, momentum=0.0)
    classes = list(range(10))
    model.partial_fit(x[: batch_size * 20], y[: batch_size * 20], classes=classes)
    started = time.perf_counter()
    model.partial_fit(x, y, classes=classes)
    return (time.perf_counter() - started) / steps


CONTENDERS = {
    "hand-written loop": hand_written,
    "lit_tricks": lit_tricks,
    "Lightning recipe": lightning,
    "Keras on torch": keras,
    "skorch": skorch,
    "scikit-learn MLPClassifier": scikit_learn,
}


def main() -> None:
    """Run one contender and print its milliseconds a step."""
    name, data_dir, hidden, batch_size, steps = sys.argv[1:]
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    sizes = [int(size) for size in hidden.split("-")]
    print(f"\n{1000 * CONTENDERS[name](data_dir, sizes, int(batch_size), int(steps)):.6f}")


if __name__ == "__main__":
    main()
