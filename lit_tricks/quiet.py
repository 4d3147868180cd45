"""Keeps Lightning's remarks about what is intended out of the terminal."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# each is a choice of ours or of the user's, not a fault
EXPECTED_WARNINGS = (
    r".*isinstance\(treespec, LeafSpec\).*",
    "Total length of `list` across ranks is zero",
    r"The number of training batches \(\d+\) is smaller than the logging interval",
    "The '.*_dataloader' does not have many workers",
    ".*available but not used.*",
    # the module reduces its figures over processes itself, exactly
    r"It is recommended to use `self\.log\(.*sync_dist=True",
    "You're resuming from a checkpoint that ended before the epoch ended",
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence what Lightning says about every run; our own line says what is trained, on what."""
    chatter = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    before = chatter.level
    chatter.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        chatter.setLevel(before)
