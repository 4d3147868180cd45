"""Every figure of a single run, each a pure function that returns a matplotlib ``Figure``."""

from lit_tricks.report.augmented import augmentation_grid
from lit_tricks.report.confusion import confusion_matrix
from lit_tricks.report.curves import learning_curves, learning_rate_curve
from lit_tricks.report.gallery import batch_grid, misclassified_gallery
from lit_tricks.report.layers import drive_histograms, layer_spread, output_histograms
from lit_tricks.report.mistakes import Mistake, MistakeCount, misclassified_table, mistakes_csv, rank_mistakes
from lit_tricks.report.network_diagram import network_diagram
from lit_tricks.report.precision_recall import precision_recall_curves
from lit_tricks.report.range_test import range_test_curve
from lit_tricks.report.regions import Regions, decision_regions
from lit_tricks.report.reliability import reliability_diagram
from lit_tricks.report.search import search_heatmap
from lit_tricks.report.shortcut import shortcut_map
from lit_tricks.report.style import save_figure

__all__ = [
    "Mistake",
    "MistakeCount",
    "Regions",
    "augmentation_grid",
    "batch_grid",
    "confusion_matrix",
    "decision_regions",
    "drive_histograms",
    "layer_spread",
    "learning_curves",
    "learning_rate_curve",
    "misclassified_gallery",
    "misclassified_table",
    "mistakes_csv",
    "network_diagram",
    "output_histograms",
    "precision_recall_curves",
    "range_test_curve",
    "rank_mistakes",
    "reliability_diagram",
    "save_figure",
    "search_heatmap",
    "shortcut_map",
]
