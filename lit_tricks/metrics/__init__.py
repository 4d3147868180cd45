"""Classification metrics that stay right when classes are absent."""

from lit_tricks.metrics.evaluation import Evaluation, evaluate_predictions

__all__ = ["Evaluation", "evaluate_predictions"]
