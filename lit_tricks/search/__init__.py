"""Hyperparameter search on Optuna: what is searched, the study in its storage file, its trials, what came out."""
