"""What one training step computes before it goes backward."""

from torch import Tensor, nn


def logits_and_loss(network: nn.Module, objective: nn.Module, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits (B, K) of prepared inputs (B, ...) and their scalar loss under ``objective``."""
    logits = network(x)
    return logits, objective(logits, target)
