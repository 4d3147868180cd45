"""What many runs leave when they are compared: tables, pictures, one page and one sentence."""

import logging
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from lit_tricks.commandline.job_progress import JOBS, count_jobs
from lit_tricks.errors import UserError
from lit_tricks.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lit_tricks.report.comparing import Comparison as Compared
    from lit_tricks.report.runs import Run

log = logging.getLogger("lit_tricks")

# more groups than these are no picture any more: the best are drawn
MOST_DRAWN = 24


class Comparison(Callback):
    """Compares the runs of a multirun at its end.

    Hydra creates it for single runs too, where it does nothing, and leaves it out when a job has failed; then
    ``compare_pending`` does its work.

    Args:
        over: a swept key with numbers, such as ``data.train_size``: the picture is the accuracy over it instead of
            learning curves.
        baseline: label of the group that the others are compared with; by default the one called ``baseline``, else
            the first.
        metric: what is compared, such as ``test/balanced_acc``; by default accuracy on the test split.
    """

    pending: ClassVar[tuple[Path, dict[str, str | None]] | None] = None

    def __init__(self, over: str | None = None, baseline: str | None = None, metric: str | None = None) -> None:
        self.asked = {"over": over, "baseline": baseline, "metric": metric}

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Note where the jobs will leave their runs, and tell them how many they are."""
        Comparison.pending = Path(config.hydra.sweep.dir), self.asked
        os.environ[JOBS] = str(count_jobs(config) or "")

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Compare what the jobs left."""
        compare_pending()


def compare_pending() -> None:
    """Compare the runs of the multirun that has begun and was not compared yet, if there is one."""
    pending, Comparison.pending = Comparison.pending, None
    if pending is not None:
        folder, asked = pending
        compare(folder, **asked)


def compare(folder: Path, over: str | None = None, baseline: str | None = None, metric: str | None = None) -> None:
    """Compare the runs directly under ``folder``, failed ones included; nothing happens where there are none.

    ``tensorboard/`` has the runs under names that say what differs, for ``tensorboard --logdir``. Beside what
    ``write_comparison`` writes there are pictures that TensorBoard shows too: ``comparison.png`` has the
    learning curves, or the accuracy ``over`` a key that runs set to different numbers; ``comparison_layers.png`` what
    the layers computed and ``comparison_regions.png`` the decision regions, each where runs left that.
    """
    from lit_tricks.loggers import TensorBoard
    from lit_tricks.report.comparable import compare_runs
    from lit_tricks.report.named_runs import link_by_name
    from lit_tricks.report.run_files import read_json
    from lit_tricks.report.runs import labelled, load_sweep
    from lit_tricks.report.style import save_figure
    from lit_tricks.report.summary import near

    runs = load_sweep(folder)
    if not runs:
        return
    # a search shows no trial's test metrics, so that nobody chooses by them
    metric = metric or read_json(folder / "search.json").get("metric")
    try:
        compared = compare_runs(runs, metric, baseline)
    except UserError as error:
        # the jobs are done: what was asked of their comparison must not cost it
        log.warning("%s; compared without", error)
        compared = compare_runs(runs)
    pictures = {}
    board = TensorBoard(run_dir=folder / "comparison")
    for name, figure in _pictures(runs, compared, labelled(runs, (over,)) if over else [], over):
        picture = save_figure(figure, folder / f"{name}.png")
        board.add_figure(name, picture)
        pictures[name] = picture.read_bytes()
    board.finalize("success")
    named = link_by_name(runs, folder, [folder / "comparison"] if pictures else [])
    # the page draws its own curves
    if over is None:
        pictures.pop("comparison", None)
    write_comparison(compared, runs, folder, pictures)
    if named is not None:
        log.info("curves  tensorboard --logdir %s", shlex.quote(near(named)))


def write_comparison(
    compared: "Sequence[Compared]",
    runs: "Sequence[Run]",
    folder: Path,
    pictures: Mapping[str, bytes] | None = None,
) -> None:
    """Write ``comparison.csv``, ``.json``, ``.md``, ``.tex`` and ``.html`` into ``folder`` and print the answer.

    ``pictures`` are further PNG pictures by name, for the page.
    """
    from lit_tricks.report import comparison_files as files
    from lit_tricks.report.comparison_page import comparison_page
    from lit_tricks.report.tables import print_comparison

    for name, content in {
        "csv": files.runs_csv(runs),
        "json": files.comparison_json(compared, runs),
        "md": files.comparison_markdown(compared),
        "tex": files.comparison_latex(compared),
        "html": comparison_page(compared, runs, pictures),
    }.items():
        write_atomically(folder / f"comparison.{name}", content)
    print_comparison(compared, runs, folder / "comparison.html")


def compare_command(arguments: Sequence[str]) -> None:
    """Run ``lit-tricks compare DIR [DIR…] [baseline=GROUP] [metric=test/acc] [output=DIR]``.

    Raises ``UserError`` for an unknown argument, a folder without runs, a group or a metric that none of them has.
    """
    from lit_tricks.arguments import take
    from lit_tricks.report.comparable import compare_runs
    from lit_tricks.report.runs import find_runs

    given_pairs = [text for text in arguments if text.partition("=")[0].isidentifier() and "=" in text]
    folders = [Path(text).expanduser() for text in arguments if text not in given_pairs]
    pairs = dict(text.partition("=")[::2] for text in given_pairs)
    given = take(pairs, "compare DIR", (), ("baseline", "metric", "output"))
    if not folders:
        raise UserError("compare needs folders with runs; received none: use lit-tricks compare runs/DIR")
    runs = find_runs(folders)
    output = Path(given.get("output") or folders[0]).expanduser()
    compared = compare_runs(runs, given.get("metric"), given.get("baseline"))
    try:
        output.mkdir(parents=True, exist_ok=True)
        write_comparison(compared, runs, output)
    except OSError as error:
        raise UserError(
            f"compare needs a folder it can write to; received {output} ({error.strerror}): choose one with output=DIR"
        ) from error


def _pictures(
    runs: "Sequence[Run]", compared: "Sequence[Compared]", apart: "Sequence[Run]", over: str | None
) -> "Iterator[tuple[str, Figure]]":
    from lit_tricks.report.accuracy_over import accuracy_over, points_over
    from lit_tricks.report.comparison_page import shown_groups
    from lit_tricks.report.joint_curves import joint_curves
    from lit_tricks.report.joint_layers import joint_layers
    from lit_tricks.report.joint_regions import joint_regions
    from lit_tricks.report.runs import grouped

    groups: Mapping[str, Sequence[Run]] = grouped(runs)
    if len(compared) == 1 and len(groups) > MOST_DRAWN:
        groups = shown_groups(compared[0], MOST_DRAWN)
    points = points_over(apart, over) if over else {}
    if points:
        yield "comparison", accuracy_over(points, str(over))
    elif any(run.rows for group in groups.values() for run in group):
        yield "comparison", joint_curves(groups)
    layers = {label: [run.layers for run in group if run.layers] for label, group in groups.items()}
    if any(layers.values()):
        yield "comparison_layers", joint_layers({label: recorded for label, recorded in layers.items() if recorded})
    first = {label: group[0] for label, group in groups.items()}
    shown = first if len(groups) > 1 else {f"{run.path.name}: seed {run.seed}": run for run in runs}
    regions = {label: found for label, run in shown.items() if (found := run.regions) is not None}
    if regions:
        yield "comparison_regions", joint_regions(regions)
