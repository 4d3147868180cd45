"""What a multirun leaves when all its jobs are done: one table and one picture of all runs."""

import csv
import io
import logging
from pathlib import Path
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from lit_tricks.files import write_atomically

log = logging.getLogger("lit_tricks")


class Comparison(Callback):
    """Compares the runs of a multirun at its end.

    Hydra creates it for single runs too, where it does nothing, and leaves it out when a job has failed; then
    ``compare_pending`` does its work.

    Args:
        over: a swept key with numbers, such as ``data.train_size``: the picture is the accuracy over it instead of
            learning curves.
    """

    pending: ClassVar[tuple[Path, str | None] | None] = None

    def __init__(self, over: str | None = None) -> None:
        self.over = over

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Note where the jobs will leave their runs."""
        Comparison.pending = Path(config.hydra.sweep.dir), self.over

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Compare what the jobs left."""
        compare_pending()


def compare_pending() -> None:
    """Compare the runs of the multirun that has begun and was not compared yet, if there is one."""
    pending, Comparison.pending = Comparison.pending, None
    if pending is not None:
        compare(*pending)


def compare(folder: Path, over: str | None = None) -> None:
    """Write ``comparison.csv``, ``comparison.png`` and that picture for TensorBoard into ``folder``.

    The runs are those directly under it, failed ones included; nothing happens where there are none. The picture is
    of learning curves, or of the accuracy ``over`` a key that runs set to different numbers.
    """
    from lit_tricks.loggers import TensorBoard
    from lit_tricks.report.accuracy_over import accuracy_over, points_over
    from lit_tricks.report.joint_curves import joint_curves
    from lit_tricks.report.runs import grouped, load_sweep
    from lit_tricks.report.style import save_figure

    runs = load_sweep(folder)
    if not runs:
        return
    names = sorted({name for run in runs for name in run.results.get("metrics", {})})
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["run", "group", "seed", "status", "reason", *names])
    for run in runs:
        metrics = run.results.get("metrics", {})
        state = [run.results.get("status", "unknown"), run.results.get("reason") or ""]
        writer.writerow([run.path.name, run.label, run.seed, *state, *(metrics.get(name) for name in names)])
    write_atomically(folder / "comparison.csv", table.getvalue())
    points = {} if over is None else points_over(load_sweep(folder, apart=(over,)), over)
    if points or any(run.rows for run in runs):
        figure = accuracy_over(points, str(over)) if points else joint_curves(grouped(runs))
        picture = save_figure(figure, folder / "comparison.png")
        board = TensorBoard(run_dir=folder / "comparison")
        board.add_figure("comparison", picture)
        board.finalize("success")
        log.info("compared: %s", picture)
