"""Demonstrations that train no classifier on a data set: each a whole run, from knobs to pictures."""

from lit_tricks.studies.activation_curves import ActivationCurves
from lit_tricks.studies.gradient_at_the_drive import GradientAtTheDrive
from lit_tricks.studies.gradient_descent import GradientDescent
from lit_tricks.studies.learning_rate_sweep import LearningRateSweep
from lit_tricks.studies.network_diagram import NetworkDiagram
from lit_tricks.studies.optimizer_race import OptimizerRace
from lit_tricks.studies.slow_learning import SlowLearning
from lit_tricks.studies.study import Findings, Study

__all__ = [
    "ActivationCurves",
    "Findings",
    "GradientAtTheDrive",
    "GradientDescent",
    "LearningRateSweep",
    "NetworkDiagram",
    "OptimizerRace",
    "SlowLearning",
    "Study",
]
