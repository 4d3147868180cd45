"""The loop one would write by hand, bare and with a stopwatch around each of its parts."""

import time

import torch

from benchmarks.speed.contenders.training import RATE, Training, one_thread
from benchmarks.speed.row import Figures, Work


def hand_written(work: Work, training: Training, fused: bool = False) -> float:
    """Index the batch, zero_grad, forward, backward, step; no metric, no log. Return seconds of the second epoch.

    ``fused`` asks torch for one kernel that steps all parameters, which it does not do unasked.
    """
    one_thread()
    torch.manual_seed(0)
    x, y = training.data(work)
    network = training.network()
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, fused=fused or None)
    criterion = torch.nn.CrossEntropyLoss()
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        order = torch.randperm(len(y))
        for start in range(0, len(y), training.batch_size):
            index = order[start : start + training.batch_size]
            optimizer.zero_grad()
            criterion(network(x[index]), y[index]).backward()
            optimizer.step()
        seconds = time.perf_counter() - started
    return seconds


def by_parts(work: Work, training: Training) -> Figures:
    """Return the microseconds of each part of a step of the same loop, as ``Stopwatches.a_step`` does."""
    from benchmarks.speed.parts import Stopwatches

    one_thread()
    torch.manual_seed(0)
    x, y = training.data(work)
    network = training.network()
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)
    watches = Stopwatches()
    gather = watches.around("gather", lambda index: (x[index], y[index]))
    forward = watches.around("forward", network)
    criterion = watches.around("loss", torch.nn.CrossEntropyLoss())
    backward = watches.around("backward", torch.Tensor.backward)
    step = watches.around("optimizer", optimizer.step)
    seconds = 0.0
    for _ in range(2):
        watches.reset()
        started = time.perf_counter()
        order = torch.randperm(len(y))
        for start in range(0, len(y), training.batch_size):
            inputs, labels = gather(order[start : start + training.batch_size])
            optimizer.zero_grad()
            backward(criterion(forward(inputs), labels))
            step()
        seconds = time.perf_counter() - started
    return watches.a_step(seconds, training.steps_of(work), "rest")
