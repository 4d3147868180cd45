"""Transfer learning: a network that begins with another one's weights."""

from lit_tricks.transfer.strategies import FineTuned, Frozen, Gradual
from lit_tricks.transfer.transfer import Transfer

__all__ = ["FineTuned", "Frozen", "Gradual", "Transfer"]
