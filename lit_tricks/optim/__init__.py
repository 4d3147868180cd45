"""Learning rates: schedules wired for Lightning, ``schedule(optimizer, plan)``, and what a batch size asks for."""

from lit_tricks.optim.batch_scaling import rate_factor
from lit_tricks.optim.cycles import Cosine, Cyclic, WarmRestarts
from lit_tricks.optim.decays import Constant, Exponential, InverseTime, StepDecay
from lit_tricks.optim.one_cycle import OneCycle
from lit_tricks.optim.plan import TrainingPlan
from lit_tricks.optim.plateau import Plateau
from lit_tricks.optim.schedule import Schedule

__all__ = [
    "Constant",
    "Cosine",
    "Cyclic",
    "Exponential",
    "InverseTime",
    "OneCycle",
    "Plateau",
    "Schedule",
    "StepDecay",
    "TrainingPlan",
    "WarmRestarts",
    "rate_factor",
]
