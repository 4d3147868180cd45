"""Loggers for Lightning's Trainer that write into one run directory."""

from lit_tricks.loggers.metrics_csv import MetricsCSV
from lit_tricks.loggers.tensorboard import TensorBoard

__all__ = ["MetricsCSV", "TensorBoard"]
