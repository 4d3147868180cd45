"""What every run shows at its end: pictures, TensorBoard, the page and the table in the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from pytorch_lightning.loggers import Logger

from lit_tricks.loggers import TensorBoard
from lit_tricks.report.figures import save_figure
from lit_tricks.report.run_page import write_run_report
from lit_tricks.report.tables import print_results
from lit_tricks.run_directory import RunDirectory
from lit_tricks.search.trial import in_search
from lit_tricks.stopwatch import clocked


def publish(
    directory: RunDirectory,
    loggers: Sequence[Logger],
    drawn: Mapping[str, Figure],
    hyperparameters: Mapping[str, Any],
    final: Mapping[str, Any],
    facts: dict[str, Any],
    predictions: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Write figures, event files, ``report.html`` and ``results.json``, and print what came out.

    Args:
        directory: where the run lives.
        loggers: the run's; TensorBoard gets the pictures and its HPARAMS tab the rest.
        drawn: the pictures by the name of their file.
        hyperparameters: what distinguishes this run from others.
        final: the figures that stand beside them.
        facts: the content of ``results.json``, whose ``seconds`` grow by ``report``.
        predictions: probabilities (N, K) and targets (N,) of the test split, for TensorBoard's PR CURVES tab.
    """
    with clocked(facts["seconds"], "report"):
        for name, figure in drawn.items():
            save_figure(figure, directory.figures / f"{name}.png")
            figure.clear()
        for logger in loggers:
            if isinstance(logger, TensorBoard):
                for name in drawn:
                    logger.add_figure(name, directory.figures / f"{name}.png")
                logger.log_hyperparams(hyperparameters, final)
                if predictions is not None:
                    logger.add_pr_curves(*predictions, list(facts["data"]["class_counts"]))
                logger.finalize("success")
    write_run_report(directory.path, facts)
    directory.write_results(facts)
    if not in_search():
        # a search shows no trial's test metrics, so that nobody chooses by them
        print_results(directory.read_results(), directory.path)
