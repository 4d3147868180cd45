"""Batches a second of ``sampler=balanced`` against ``sampler=shuffle``.

``python -m benchmarks.speed.sampling`` draws whole epochs, orders included, of each in turn, and prints the median
ratio over the pairs: of the loader alone, which is the strictest, and with a training step of a small network.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.machine import machine
from lit_tricks.data import BatchLoader, ShuffleSampler
from lit_tricks.data.balanced import BalancedSampler
from lit_tricks.data.source import Examples
from lit_tricks.models import MLP

SHAPE, CLASSES, FACTOR = (1, 28, 28), 10, 100
Consume = Callable[[Tensor, Tensor], object]


def long_tail(examples: int) -> Examples:
    """Return random pixels of ``SHAPE`` in ``CLASSES`` classes, the largest ``FACTOR`` times the smallest."""
    generator = torch.Generator().manual_seed(0)
    shares = FACTOR ** -torch.linspace(0, 1, CLASSES)
    labels = torch.multinomial(shares, examples, replacement=True, generator=generator)
    return Examples(torch.randint(0, 256, (examples, *SHAPE), dtype=torch.uint8, generator=generator), labels)


def rate(loader: BatchLoader, epoch: int, consume: Consume) -> float:
    """Return the batches of one epoch per second of this process, which waits for nothing and has one thread."""
    loader.sampler.set_epoch(epoch)
    began = time.process_time()
    for x, y in loader:
        consume(x, y)
    return len(loader) / (time.process_time() - began)


def training_step() -> Consume:
    """Return one step of SGD on a network of 32 hidden units."""
    network = MLP(SHAPE, CLASSES, hidden=[32])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)

    def step(x: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x / 255), y).backward()
        optimizer.step()

    return step


def pairs(examples: Examples, batch_size: int, count: int, consume: Consume) -> list[tuple[float, float]]:
    """Return ``count`` pairs of batches a second, shuffled and balanced, measured in turn and in changing order."""
    loaders = [
        BatchLoader(examples, batch_size, ShuffleSampler(examples.y)),
        BatchLoader(examples, batch_size, BalancedSampler(examples.y, batch_size)),
    ]
    found = []
    for number in range(-1, count):
        first, second = (rate(loaders[number % 2 ^ place], max(number, 0), consume) for place in (0, 1))
        # the first pair warms up
        if number >= 0:
            found.append((second, first) if number % 2 else (first, second))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line for the loader alone and one with a training step."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--pairs", type=int, default=11)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    examples = long_tail(options.examples)
    print(f"{machine()}; {options.examples:,} images, batches of {options.batch_size}, {options.pairs} pairs")
    for what, consume in (("loader alone", lambda x, y: None), ("with a training step", training_step())):
        found = pairs(examples, options.batch_size, options.pairs, consume)
        shuffled, balanced = (statistics.median(column) for column in zip(*found, strict=True))
        ratios = sorted(second / first for first, second in found)
        print(
            f"{what}: shuffle {shuffled:,.0f}/s, balanced {balanced:,.0f}/s, ratio {statistics.median(ratios):.3f} "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
