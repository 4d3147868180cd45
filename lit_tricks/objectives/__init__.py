"""Heads with their losses: logits and targets give a loss, logits give probabilities; penalties on the weights."""

from lit_tricks.objectives.base import Objective
from lit_tricks.objectives.binary_cross_entropy import BinaryCrossEntropy
from lit_tricks.objectives.cross_entropy import CrossEntropy
from lit_tricks.objectives.head import check_outputs, refuse_double_activation, trains_otherwise
from lit_tricks.objectives.rebalanced import LDAM, Focal, LogitAdjusted
from lit_tricks.objectives.squared_error import SquaredError
from lit_tricks.objectives.weight_penalty import WeightPenalty

__all__ = [
    "LDAM",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Focal",
    "LogitAdjusted",
    "Objective",
    "SquaredError",
    "WeightPenalty",
    "check_outputs",
    "refuse_double_activation",
    "trains_otherwise",
]
