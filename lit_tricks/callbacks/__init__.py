"""Tricks and bookkeeping that need Lightning's hooks."""

from lit_tricks.callbacks.checkpoint import Checkpoint
from lit_tricks.callbacks.clean_training import CleanTraining
from lit_tricks.callbacks.deferral import Deferral
from lit_tricks.callbacks.early_stopping import EarlyStopping
from lit_tricks.callbacks.ema import EMA
from lit_tricks.callbacks.epoch_timer import EpochTimer
from lit_tricks.callbacks.first_batch import FirstBatch
from lit_tricks.callbacks.interruption import Interruption
from lit_tricks.callbacks.layer_recorder import LayerRecorder
from lit_tricks.callbacks.learning_rate import LearningRate
from lit_tricks.callbacks.live_curves import LiveCurves
from lit_tricks.callbacks.lr_finder import LearningRateFinder
from lit_tricks.callbacks.majority_watch import MajorityWatch
from lit_tricks.callbacks.progress import RunProgress
from lit_tricks.callbacks.random_state import RandomState
from lit_tricks.callbacks.swa import SWA
from lit_tricks.callbacks.weighted_sampling import WeightedSamplingCheck, check_weighted_sampling

__all__ = [
    "EMA",
    "SWA",
    "Checkpoint",
    "CleanTraining",
    "Deferral",
    "EarlyStopping",
    "EpochTimer",
    "FirstBatch",
    "Interruption",
    "LayerRecorder",
    "LearningRate",
    "LearningRateFinder",
    "LiveCurves",
    "MajorityWatch",
    "RandomState",
    "RunProgress",
    "WeightedSamplingCheck",
    "check_weighted_sampling",
]
