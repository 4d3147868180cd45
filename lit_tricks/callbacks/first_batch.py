"""The first training batch as the network received it."""

import pytorch_lightning as pl
from torch import Tensor


class FirstBatch(pl.Callback):
    """Keeps the first training batch after augmentation, before normalisation, for a picture of it.

    ``images`` is (B, *input_shape) and ``labels`` (B,), both None until training starts. The most
    examples kept is ``limit``.
    """

    # the first batch is never part of a stretch
    bears_stretches = True

    def __init__(self, limit: int = 32) -> None:
        self.limit = limit
        self.images: Tensor | None = None
        self.labels: Tensor | None = None
        self._handle: object | None = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: tuple[Tensor, Tensor], batch_idx: int
    ) -> None:
        """Watch what enters the normaliser, for this one batch."""
        if self.images is not None or self._handle is not None:
            return
        self.labels = batch[1][: self.limit].detach().cpu().clone()
        normaliser = getattr(pl_module, "normaliser", None)
        if normaliser is not None:
            self._handle = normaliser.register_forward_pre_hook(self._keep)

    def _keep(self, module: object, inputs: tuple[Tensor, ...]) -> None:
        if self.images is None:
            self.images = inputs[0][: self.limit].detach().cpu().clone()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        """Stop watching."""
        if self._handle is not None:
            self._handle.remove()  # type: ignore[attr-defined]
            self._handle = None
