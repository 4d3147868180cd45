"""What a multirun leaves when all its jobs are done: one table and one picture of all runs."""

import csv
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from lit_tricks.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lit_tricks.report.runs import Run

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
    """Write ``comparison.csv`` into ``folder``, and pictures that TensorBoard shows too.

    ``comparison.png`` has the learning curves, or the accuracy ``over`` a key that runs set to different numbers;
    ``comparison_layers.png`` what the layers computed and ``comparison_regions.png`` the decision regions, each where
    runs left that.

    The runs are those directly under it, failed ones included; nothing happens where there are none.
    """
    from lit_tricks.loggers import TensorBoard
    from lit_tricks.report.accuracy_over import accuracy_over, points_over
    from lit_tricks.report.runs import load_sweep
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
    board = TensorBoard(run_dir=folder / "comparison")
    points = {} if over is None else points_over(load_sweep(folder, apart=(over,)), over)
    for name, figure in _pictures(runs, accuracy_over(points, str(over)) if points else None):
        picture = save_figure(figure, folder / f"{name}.png")
        board.add_figure(name, picture)
        log.info("compared: %s", picture)
    board.finalize("success")


def _pictures(runs: "list[Run]", over: "Figure | None") -> "Iterator[tuple[str, Figure]]":
    from lit_tricks.report.joint_curves import joint_curves
    from lit_tricks.report.joint_layers import joint_layers
    from lit_tricks.report.joint_regions import joint_regions
    from lit_tricks.report.runs import grouped

    groups = grouped(runs)
    if over is not None:
        yield "comparison", over
    elif any(run.rows for run in runs):
        yield "comparison", joint_curves(groups)
    layers = {label: [run.layers for run in group if run.layers] for label, group in groups.items()}
    if any(layers.values()):
        yield "comparison_layers", joint_layers({label: recorded for label, recorded in layers.items() if recorded})
    first = {label: group[0] for label, group in groups.items()}
    shown = first if len(groups) > 1 else {f"{run.path.name}: seed {run.seed}": run for run in runs}
    regions = {label: found for label, run in shown.items() if (found := run.regions) is not None}
    if regions:
        yield "comparison_regions", joint_regions(regions)
