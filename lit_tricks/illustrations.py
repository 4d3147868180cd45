"""Every picture of one run, from what was built, evaluated and recorded."""

from collections.abc import Iterator

import numpy as np
import torch
from matplotlib.figure import Figure

from lit_tricks.build import Built
from lit_tricks.callbacks import FirstBatch, LayerRecorder
from lit_tricks.data.augmentation import Augmentation
from lit_tricks.data.source import Examples
from lit_tricks.doctor import Intervention
from lit_tricks.evaluation import predict_batches, split_loader
from lit_tricks.final_evaluation import FinalEvaluation
from lit_tricks.metrics import Evaluation
from lit_tricks.module import LitClassifier
from lit_tricks.report import figures
from lit_tricks.report.kept_mistakes import MOST as MOST_KEPT
from lit_tricks.report.kept_mistakes import KeptMistakes
from lit_tricks.report.run_files import Rows
from lit_tricks.report.style import SPLIT_NAMES

MOST_MISTAKES = 100
MOST_ORIGINALS, VERSIONS = 6, 7


def illustrate(
    built: Built,
    found: dict[str, Evaluation],
    rows: Rows,
    mistakes: list[figures.Mistake] | None,
    regions: figures.Regions | None,
    by_position: bool = False,
) -> dict[str, Figure]:
    """Return the pictures of a run by name.

    Args:
        built: what was trained.
        found: split → evaluation, at least one.
        rows: as ``metrics.csv`` holds them; empty for a model without epochs.
        mistakes: all of the test split, the worst first, None without a test split.
        regions: what ``survey`` found.
        by_position: whether the first mistakes are drawn instead of the worst.
    """
    spec = built.module.spec
    judged = _judged(found)
    confusion = figures.confusion_matrix(found[judged].confusion_matrix, spec.class_names)
    drawn = {"confusion_matrix": confusion, **built.figures}
    if regions is not None:
        drawn["decision_regions"] = figures.decision_regions(regions)
    if rows:
        drawn["learning_curves"] = figures.learning_curves(rows)
        # a constant rate is a number, no picture
        if len({row.get("lr") for row in rows}) > 1:
            drawn["learning_rate"] = figures.learning_rate_curve(rows)
    if (augmented := _augmented(built)) is not None:
        drawn["augmentation"] = augmented
    drawn |= dict(_recorded(built))
    if mistakes is not None:
        drawn["misclassified"] = _misclassified(built, mistakes, by_position)
    return drawn


def survey(built: Built, found: dict[str, Evaluation]) -> figures.Regions | None:
    """Return what a classifier of two numbers answers in the plane; None for one of more or fewer."""
    spec, judged = built.module.spec, _judged(found)
    if spec.num_features != 2:
        return None

    def scores(points: np.ndarray) -> np.ndarray:
        inputs = torch.from_numpy(points).view(-1, *spec.input_shape)
        found, _, _ = predict_batches(built.module, [(inputs, torch.zeros(len(inputs), dtype=torch.int64))])
        correction = built.module.correction
        return (found if correction is None else correction.scores(found)).numpy()

    points, labels = zip(*((x.flatten(1).float(), y) for x, y in split_loader(built.datamodule, judged)), strict=True)
    return figures.Regions.of(
        scores,
        torch.cat(points).cpu().numpy(),
        torch.cat(labels).cpu().numpy(),
        spec.class_names,
        spec.encoding.get("feature_names") or ("feature 1", "feature 2"),
        SPLIT_NAMES[judged],
    )


def draw_shortcut(built: Built, found: dict[str, Evaluation], seen: Intervention) -> Figure:
    """Return the picture of the region that decides what the network answers to the validation images."""
    accuracies = {split: float(one.metrics["acc"] or 0.0) for split, one in found.items()}
    images, _ = next(iter(split_loader(built.datamodule, "val")))
    return figures.shortcut_map(seen.facts(), seen.map, accuracies, images.cpu(), built.module.spec.value_range)


def illustrate_correction(
    module: LitClassifier, final: FinalEvaluation, uncorrected: FinalEvaluation
) -> dict[str, Figure]:
    """Return the pictures of what the correction changed: how reliable probabilities are, and the chosen threshold."""
    correction, names, split = module.correction, module.spec.class_names, final.judged
    drawn = {}
    if correction.offsets is not None or correction.temperature != 1.0:
        drawn["reliability"] = figures.reliability_diagram(
            uncorrected.answers[split].probabilities,
            final.answers[split].probabilities,
            final.answers[split].targets,
            names,
            SPLIT_NAMES[split],
        )
    if correction.threshold is not None:
        positive = correction.positive
        drawn["precision_recall"] = figures.precision_recall_curves(
            {
                split: (answers.probabilities[:, positive], answers.targets == positive)
                for split, answers in final.answers.items()
            },
            correction.threshold,
            names[positive],
        )
    return drawn


def _judged(found: dict[str, Evaluation]) -> str:
    return next(split for split in ("test", "val", "train") if split in found)


def _recorded(built: Built) -> Iterator[tuple[str, Figure]]:
    """Yield the pictures of what callbacks kept while the run trained."""
    spec = built.module.spec
    for kept in built.callbacks:
        if isinstance(kept, FirstBatch) and spec.kind == "image" and kept.images is not None:
            yield "first_batch", figures.batch_grid(kept.images, kept.labels, spec.class_names, spec.value_range)
        if isinstance(kept, LayerRecorder) and kept.layers:
            yield "drives", figures.drive_histograms(kept.layers)
            yield "layers", figures.layer_spread(kept.layers)
            yield "outputs", figures.output_histograms(kept.outputs, spec.class_names)


def _misclassified(built: Built, mistakes: list[figures.Mistake], by_position: bool) -> Figure:
    spec, count = built.module.spec, figures.MistakeCount.of(mistakes)
    ranked = sorted(mistakes, key=lambda mistake: mistake.index) if by_position else mistakes
    if spec.kind != "image":
        return figures.misclassified_table(ranked, spec.class_names, count, by_position)
    shown = ranked[:MOST_MISTAKES]
    images = _test_images(built, [record.index for record in shown])
    return figures.misclassified_gallery(images, shown, spec.class_names, spec.value_range, count, by_position)


def keep_mistakes(built: Built, mistakes: list[figures.Mistake]) -> KeptMistakes | None:
    """Return images of mistakes, small, so that runs can be compared without their data; None for tables.

    Of too many every second or third of the ranked ones is kept: what another run mends is seldom among the worst.
    """
    spec, step = built.module.spec, -(-len(mistakes) // MOST_KEPT) or 1
    rows = [record.index for record in mistakes[::step]]
    if spec.kind != "image" or len(spec.input_shape) != 3 or not rows:
        return None
    return KeptMistakes.of(rows, _test_images(built, rows), spec.value_range)


def _augmented(built: Built) -> Figure | None:
    """Return a picture of an image of each class in several augmented versions, None where nothing changes images."""
    spec, augmentation = built.module.spec, built.module.augmentation
    examples = getattr(built.datamodule, "train", None)
    if spec.kind != "image" or not isinstance(augmentation, Augmentation) or not isinstance(examples, Examples):
        return None
    rows = [int((examples.y == label).nonzero()[0]) for label in examples.y.unique()[:MOST_ORIGINALS]]
    chosen = examples.take(np.asarray(rows))
    x, y = chosen.x, chosen.y
    versions, targets = augmentation(x.repeat(VERSIONS, 1, 1, 1), y.repeat(VERSIONS), [len(y)] * VERSIONS, 0, 0)
    return figures.augmentation_grid(
        x,
        versions.unflatten(0, (VERSIONS, len(y))),
        y,
        targets.unflatten(0, (VERSIONS, len(y))),
        spec.class_names,
        augmentation.names,
        spec.value_range,
    )


def _test_images(built: Built, rows: list[int]) -> torch.Tensor:
    """Return the test images at ``rows``, in their order, also from a data module that is not ours."""
    examples = getattr(built.datamodule, "test", None)
    if examples is not None and hasattr(examples, "take"):
        return examples.take(np.asarray(rows, dtype=np.int64)).x
    wanted, kept, start = set(rows), {}, 0
    for x, _ in split_loader(built.datamodule, "test"):
        kept.update({start + offset: x[offset] for offset in range(len(x)) if start + offset in wanted})
        start += len(x)
    return torch.stack([kept[row] for row in rows]) if rows else torch.zeros(0, *built.module.spec.input_shape)
