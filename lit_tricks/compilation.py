"""The training step through ``torch.compile``."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor, nn

from lit_tricks.errors import UserError

log = logging.getLogger("lit_tricks")

LogitsAndLoss = Callable[[nn.Module, nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]


class CompiledPass:
    """Runs ``logits_and_loss`` compiled on whole training batches, as it is on all others.

    Only whole batches come thousands of times. An epoch's last batch, shorter or by one longer than the others,
    validation and evaluation would each be compiled once more, and evaluation must give the same figures to the last
    bit when it is repeated from the checkpoint. The network stays the module that it is, so checkpoints do not change
    either.

    Args:
        logits_and_loss: maps network, objective, inputs (B, …) and targets to logits and mean loss; a plain
            function, so that a copy of the module that calls it is as good as the original.
        backend: a backend of ``torch.compile``.
        batch_size: examples in a whole batch, at least 1.

    Attributes:
        seconds: wall time that compiling has taken; no step is in it.

    Raises:
        UserError: at the first whole batch, when the backend cannot compile, such as without a C++ compiler.
    """

    def __init__(self, logits_and_loss: LogitsAndLoss, backend: str, batch_size: int) -> None:
        # graphs of earlier runs in this process count against the limit after which torch gives up silently
        torch.compiler.reset()
        # a callback may watch a layer for some batches; without these guards torch would go on without its hooks
        torch._dynamo.config.skip_nnmodule_hook_guards = False
        self.seconds = 0.0
        self._plain = logits_and_loss
        self._backend = backend
        self._compiled: LogitsAndLoss = torch.compile(logits_and_loss, backend=backend, dynamic=False)
        self._size = batch_size
        self._is_compiled = False

    def __call__(self, network: nn.Module, objective: nn.Module, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (B, K) and the mean loss."""
        if len(x) != self._size:
            return self._plain(network, objective, x, target)
        if not self._is_compiled:
            self._compile(network, objective, x, target)
        return self._compiled(network, objective, x, target)

    def _compile(self, network: nn.Module, objective: nn.Module, x: Tensor, target: Tensor) -> None:
        """Compile forward and backward pass by a rehearsal that leaves weights, statistics and random state alone."""
        _say(f"compiling the training step ({self._backend}){_caution(x)}")
        started = time.perf_counter()
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        buffers = [(buffer, buffer.clone()) for module in (network, objective) for buffer in module.buffers()]
        try:
            with isolate_rng():
                # a copy, for networks that work in place
                _, loss = self._compiled(network, objective, x.clone(), target)
                torch.autograd.grad(loss, parameters, allow_unused=True)
        except torch._dynamo.exc.BackendCompilerFailed as error:
            raise _failure(self._backend, error) from error
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        self._is_compiled = True
        self.seconds += time.perf_counter() - started
        _say(f"compiled in {self.seconds:.1f} s")


def whole_batch_size(loader: Iterable[Any]) -> int:
    """Return the number of examples in the first of a loader's ``(x, y)`` batches, which no epoch's end cuts short."""
    with isolate_rng():
        _, labels = next(iter(loader))
    return len(labels)


def _caution(x: Tensor) -> str:
    return "; on a processor this rarely pays" if x.device.type == "cpu" else ""


@rank_zero_only
def _say(message: str) -> None:
    log.info(message)


def _failure(backend: str, error: torch._dynamo.exc.BackendCompilerFailed) -> UserError:
    cause = error.inner_exception
    said = f"{type(cause).__name__}: {cause}".splitlines()[0]
    remedy = "install g++ or name a compiler in the variable CXX, or " if "compiler" in said.lower() else ""
    return UserError(f"compile={backend} must compile the training step; torch said {said}: {remedy}try compile=false")
