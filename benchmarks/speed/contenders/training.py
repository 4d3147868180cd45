"""What is trained: the data, the networks and the numbers of steps."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed.row import Work

RATE = 0.1


@dataclass(frozen=True)
class Training:
    """Plain SGD on the first images of MNIST, so many that an epoch has ``steps`` steps.

    ``hidden`` are the units of 784-…-10, all sigmoid; None stands for lit_tricks' default cnn.
    """

    title: str
    hidden: tuple[int, ...] | None
    batch_size: int
    steps: int

    def steps_of(self, work: Work) -> int:
        """Return the steps of an epoch, a hundredth for quick work but enough for every contender."""
        return work.share(self.steps, least=20)

    def data(self, work: Work) -> tuple[Any, Any]:
        """Return the examples as ``images`` does."""
        return images(work.data_dir, self.batch_size * self.steps_of(work), flat=self.hidden is not None)

    def network(self) -> Any:
        """Return the network with PyTorch's initial weights and a linear output."""
        from torch import nn

        if self.hidden is None:
            from lit_tricks.models import CNN

            return CNN((1, 28, 28), 10)
        layers: list[nn.Module] = []
        for entering, leaving in itertools.pairwise([784, *self.hidden]):
            layers += [nn.Linear(entering, leaving), nn.Sigmoid()]
        return nn.Sequential(*layers, nn.Linear(self.hidden[-1], 10))

    def words(self, work: Work) -> list[str]:
        """Return the command line that trains the same for two epochs with everything on."""
        model = ["model=cnn"] if self.hidden is None else [f"model.hidden={list(self.hidden)}"]
        units = [] if self.hidden is None else ["model.activation=sigmoid"]
        examples = f"data.train_size={self.batch_size * self.steps_of(work)}"
        sizes = [f"batch_size={self.batch_size}", examples, "trainer.max_epochs=2"]
        return ["data=mnist", *model, *units, *sizes, "optimizer=sgd", f"optimizer.lr={RATE}"]


TRAININGS = {
    "mlp30": Training("784-30-10, batch 10", (30,), 10, 3000),
    "mlp512-128": Training("784-512-512-10, batch 128", (512, 512), 128, 300),
    "mlp512-512": Training("784-512-512-10, batch 512", (512, 512), 512, 90),
    "cnn": Training("default cnn, batch 128", None, 128, 100),
}


def one_thread() -> None:
    """Let torch compute on one thread."""
    import torch

    torch.set_num_threads(1)


def images(data_dir: Path, examples: int, flat: bool = True, name: str = "mnist") -> tuple[Any, Any]:
    """Return the first training images as float32 in [0, 1], flattened or (N, 1, 28, 28), and their labels."""
    train = _loaded(data_dir, name).train
    x = train.x[:examples].float() / 255
    return x.flatten(1) if flat else x, train.y[:examples]


def test_images(data_dir: Path) -> tuple[Any, Any]:
    """Return MNIST's test images, flattened, as ``images`` does."""
    test = _loaded(data_dir, "mnist").test
    return test.x.float().flatten(1) / 255, test.y


def _loaded(data_dir: Path, name: str) -> Any:
    from lit_tricks.data.mnist import FashionMNISTSource, MNISTSource

    return {"mnist": MNISTSource, "fashion_mnist": FashionMNISTSource}[name](data_dir).load()
