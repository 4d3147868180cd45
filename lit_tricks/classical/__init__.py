"""Classical classifiers: scikit-learn's, fitted, searched, stored and scored as a network is."""

from lit_tricks.classical.estimator import EstimatorScores, FittedEstimator, estimator_facts
from lit_tricks.classical.fitting import Fit, fit_estimator
from lit_tricks.classical.grid_search import GridSearch
from lit_tricks.classical.search_table import SearchTable

__all__ = ["EstimatorScores", "Fit", "FittedEstimator", "GridSearch", "SearchTable", "estimator_facts", "fit_estimator"]
