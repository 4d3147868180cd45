"""``lit-tricks evaluate``: a run's test metrics once more, from its checkpoint."""

from collections.abc import Mapping
from typing import Any

from lit_tricks.arguments import take
from lit_tricks.build import build_datamodule
from lit_tricks.errors import UserError
from lit_tricks.evaluation import evaluate_split, split_loader
from lit_tricks.restore import restore


def evaluate_run(path: str, split: str = "test", data_dir: str | None = None) -> dict[str, Any]:
    """Return the metrics of one split, named as in ``results.json``, computed from the run's checkpoint.

    Args:
        path: the run directory.
        split: ``train``, ``val`` or ``test``.
        data_dir: where the data lies now, if it moved.

    Raises:
        UserError: when the run or the split is absent, or the data no longer fits the checkpoint.
    """
    restored = restore(path)
    if data_dir is not None:
        restored.config.data_dir = data_dir
    datamodule, spec, _ = build_datamodule(restored.config)
    datamodule.setup("test")
    trained = restored.module.spec
    if (spec.input_shape, spec.class_names) != (trained.input_shape, trained.class_names):
        raise UserError(
            f"evaluation needs the data the run was trained on; it had inputs {trained.input_shape} and classes "
            f"{trained.class_names[:5]}, today's has {spec.input_shape} and {spec.class_names[:5]}: restore the data"
        )
    loader = split_loader(datamodule, split)
    if loader is None:
        raise UserError(f"split must have examples; {split} of this run has none: try split=test or split=train")
    evaluation, _, _ = evaluate_split(restored.module, loader)
    return {f"{split}/{name}": value for name, value in evaluation.metrics.items()}


def evaluate_command(arguments: Mapping[str, str]) -> None:
    """Print the metrics of ``run=DIR [split=test] [data_dir=DIR]``, one name and value a line."""
    values = take(arguments, "evaluate", required=("run",), optional=("split", "data_dir"))
    split = values.get("split", "test")
    if split not in ("train", "val", "test"):
        raise UserError(f"split must be train, val or test; received {split}: try split=test")
    for name, value in evaluate_run(values["run"], split, values.get("data_dir")).items():
        print(f"{name}\t{value!r}")
