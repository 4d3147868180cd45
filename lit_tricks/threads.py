"""How many CPU threads a network deserves."""

import os

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

# Below this a second thread costs more in hand-over than it computes: measured on 784-30-10 at batch 10
# (0.5 million), where two threads on a busy machine were 25 times slower, and 784-512-512-10 at batch 512.
WORTH_MORE_THREADS = 50_000_000


def choose_threads(wanted: int | str, network: nn.Module, batch: Tensor) -> tuple[int, str]:
    """Return the number of torch threads and the reason for it.

    ``wanted`` is a number of at least 1, or ``auto``: one thread when a forward pass of ``batch``
    (B, *input_shape) ``float32`` takes fewer than 50 million floating-point operations, else one per core
    the process may use. The count depends on shapes alone, so the same run always gets the same answer.
    """
    if wanted != "auto":
        return int(wanted), "as asked"
    was_training = network.training
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(batch)
    network.train(was_training)
    operations = counter.get_total_flops()
    size = f"{operations / 1e6:,.1f} million operations a forward batch"
    return (1, size) if operations < WORTH_MORE_THREADS else (usable_cores(), size)


def usable_cores() -> int:
    """Return how many cores the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
