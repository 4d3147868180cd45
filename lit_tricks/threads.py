"""How many CPU threads a network deserves, and that it gets no others."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

# Below this a second thread costs more in hand-over than it computes, most of all on a busy machine.
WORTH_MORE_THREADS = 50_000_000

OMP_NUM_THREADS = "OMP_NUM_THREADS"


def choose_threads(
    wanted: int | str, network: nn.Module, input_shape: tuple[int, ...], batch_size: int, processes: int = 1
) -> tuple[int, str]:
    """Return the number of torch threads and the reason for it.

    Args:
        wanted: a number of at least 1, or ``auto``: one thread when a forward batch takes fewer than 50 million
            floating-point operations, else this process's share of the cores. The operations depend on shapes
            alone, so the same run on the same machine always gets the same answer.
        network: maps (B, *input_shape) ``float32`` to logits.
        input_shape: the shape of one example.
        batch_size: examples in a training batch.
        processes: how many processes train on this machine at the same time. Each gets
            ``max(1, cores // processes)``, and no more than ``OMP_NUM_THREADS`` where that is set, as
            schedulers and launchers do for their jobs.
    """
    if wanted != "auto":
        return int(wanted), "as asked"
    operations = _operations(network, input_shape) * batch_size
    why = f"{operations / 1e6:,.1f} million operations a forward batch"
    if not operations:
        return 1, "a forward batch takes no operations that can be counted"
    if operations < WORTH_MORE_THREADS:
        return 1, why
    cores, limits = core_share(wanted, processes)()
    return cores, "; ".join([why, *limits])


def core_share(wanted: int | str, processes: int = 1) -> Callable[[], tuple[int, list[str]]]:
    """Return what tells how many cores each of ``processes`` may use and what limits them, see ``choose_threads``.

    The environment is read now; cores are counted when it is called, since that takes an import.
    """
    limit = os.environ.get(OMP_NUM_THREADS, "").partition(",")[0]

    def share() -> tuple[int, list[str]]:
        if wanted != "auto":
            return int(wanted), ["as asked"]
        cores, limits = usable_cores(), []
        found = max(1, cores // processes)
        if processes > 1:
            limits.append(f"{processes} processes share {cores} core{'s' if cores > 1 else ''}")
        if limit.isdigit() and 0 < int(limit) < found:
            found = int(limit)
            limits.append(f"{OMP_NUM_THREADS}={limit}")
        return found, limits

    return share


def usable_cores() -> int:
    """Return the cores this process may use: what affinity and a container's quota leave of the machine's."""
    from joblib import cpu_count

    return int(cpu_count())


def parallel_jobs(n_jobs: int | None) -> int:
    """Return how many jobs joblib runs at once for ``n_jobs``: -1 stands for one per core, -2 for one less, …"""
    if n_jobs is None:
        return 1
    return n_jobs if n_jobs > 0 else max(1, usable_cores() + 1 + n_jobs)


@contextmanager
def held_to(threads: int) -> Iterator[None]:
    """Compute with ``threads`` threads in the block, also in processes that Lightning starts from it.

    Without ``OMP_NUM_THREADS`` Lightning would set a number of its own when it starts several processes.
    """
    before = torch.get_num_threads(), os.environ.get(OMP_NUM_THREADS)
    os.environ[OMP_NUM_THREADS] = str(threads)
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        os.environ.pop(OMP_NUM_THREADS)
        if before[1] is not None:
            os.environ[OMP_NUM_THREADS] = before[1]


def _operations(network: nn.Module, input_shape: tuple[int, ...]) -> float:
    """Return the floating-point operations of one example's forward pass."""
    # two, since a network may drop a dimension of size 1
    examples = torch.zeros(2, *input_shape)
    was_training = network.training
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(examples)
    network.train(was_training)
    return counter.get_total_flops() / len(examples)
