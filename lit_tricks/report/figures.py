"""Every figure of a single run, each a pure function that returns a matplotlib ``Figure``."""

from lit_tricks.report.confusion import confusion_matrix
from lit_tricks.report.curves import learning_curves, learning_rate_curve
from lit_tricks.report.gallery import batch_grid, misclassified_gallery
from lit_tricks.report.layers import drive_histograms, layer_spread, output_histograms
from lit_tricks.report.mistakes import Mistake, misclassified_table, rank_mistakes
from lit_tricks.report.range_test import range_test_curve
from lit_tricks.report.style import save_figure

__all__ = [
    "Mistake",
    "batch_grid",
    "confusion_matrix",
    "drive_histograms",
    "layer_spread",
    "learning_curves",
    "learning_rate_curve",
    "misclassified_gallery",
    "misclassified_table",
    "output_histograms",
    "range_test_curve",
    "rank_mistakes",
    "save_figure",
]
