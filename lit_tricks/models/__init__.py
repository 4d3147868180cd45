"""Networks and their initialisation."""

from lit_tricks.models.activations import ACTIVATIONS, gain, make_activation
from lit_tricks.models.cnn import CNN
from lit_tricks.models.initialisation import Initialiser
from lit_tricks.models.linear import Linear
from lit_tricks.models.mlp import MLP

__all__ = ["ACTIVATIONS", "CNN", "MLP", "Initialiser", "Linear", "gain", "make_activation"]
