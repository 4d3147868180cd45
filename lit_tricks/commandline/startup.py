"""Importing what takes seconds, without the garbage collector looking on."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected_imports() -> Iterator[None]:
    """Import torch and Lightning in the block without garbage collections, and exempt what they leave for good.

    While they are imported the collector would walk again and again through all that they define, none of which
    is garbage: a fifth of the time they take, and a sixth of a second at every full collection later on. Does
    nothing when torch is imported already, since the objects around may then be garbage one day.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
