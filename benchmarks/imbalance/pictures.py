"""The pictures of one case, drawn by what the product itself draws comparisons with."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.imbalance.methods import PLAIN, Case
from lit_tricks.report.comparing import compare_groups
from lit_tricks.report.figures import save_figure
from lit_tricks.report.forest import forest_plot
from lit_tricks.report.joint_confusion import joint_confusion
from lit_tricks.report.run_files import read_json
from lit_tricks.report.runs import Run

# what a run with a correction draws of itself
CORRECTED = {"precision_recall": "threshold of the best F1", "reliability": "logit adjustment after training"}


def draw(case: Case, folders: Mapping[str, Sequence[Path]], target: Path) -> None:
    """Draw the differences to plain, the confusion matrices of plain and best, and copy those of the corrections.

    Args:
        case: whose runs they are.
        folders: method → run directories, one a seed.
        target: folder of the pictures.
    """
    target.mkdir(parents=True, exist_ok=True)
    groups: dict[str, list[Run]] = {
        name: [Run(folder, read_json(folder / "results.json"), name) for folder in all_seeds]
        for name, all_seeds in folders.items()
    }
    runs = [run for members in groups.values() for run in members]
    comparison = compare_groups(case.title, f"test/{case.metric}", runs, baseline=PLAIN)
    best = max(groups, key=lambda name: sum(run.metrics[f"val/{case.metric}"] for run in groups[name]))
    # where nothing beats plain on validation, the second matrix is that of balanced batches
    shown = {PLAIN: groups[PLAIN], **{name: groups[name] for name in {best, "balanced batches"} - {PLAIN}}}
    for name, figure in {"forest": forest_plot(comparison), "confusion": joint_confusion(shown)}.items():
        if figure is not None:
            save_figure(figure, target / f"imbalance_{case.name}_{name}.png")
    for name, method in CORRECTED.items():
        for folder in folders.get(method, ())[:1]:
            if (folder / "figures" / f"{name}.png").is_file():
                shutil.copyfile(folder / "figures" / f"{name}.png", target / f"imbalance_{case.name}_{name}.png")
