"""Batch norm's running statistics for weights that never trained, such as an average."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def training_batch_norms(network: nn.Module) -> dict[str, _BatchNorm]:
    """Return the batch norms of ``network`` that are in training mode and keep running statistics, by name."""
    found = {name: module for name, module in network.named_modules() if isinstance(module, _BatchNorm)}
    return {name: norm for name, norm in found.items() if norm.training and norm.running_mean is not None}


@torch.no_grad()
def estimate_batch_norm(network: nn.Module, inputs: Iterable[Tensor]) -> None:
    """Set the running statistics of ``training_batch_norms`` to their mean over the batches ``inputs``, in place.

    Every batch counts alike, as in torch's ``update_bn``, which differs in that it lets dropout act and takes
    frozen batch norms along. Counts of batches and the mode of every module are left as they were.
    """
    modes = [(module, module.training) for module in network.modules()]
    norms = list(training_batch_norms(network).values())
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    network.eval()
    for norm in norms:
        norm.train()
        # without a momentum torch takes the mean over the batches that it has counted
        norm.momentum, norm.num_batches_tracked = None, torch.zeros_like(norm.num_batches_tracked)  # type: ignore[arg-type]
    try:
        for x in inputs:
            network(x)
    finally:
        for norm, (momentum, batches) in zip(norms, kept, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, batches
        for module, training in modes:
            module.training = training
