"""Tells when a run has taken its first step."""

import os
import time
from typing import Any

import pytorch_lightning as pl


class FirstStep(pl.Callback):
    """Prints the time of day, in seconds, after the first training step and ends the process."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Print and leave at once."""
        print(time.time(), flush=True)
        os._exit(0)
