"""``lit-tricks evaluate``: a run's test metrics once more, from its checkpoint."""

from collections.abc import Mapping, Sequence
from typing import Any

from lit_tricks.arguments import FORMS, check_split, packages, take
from lit_tricks.build import build_datamodule
from lit_tricks.errors import UserError
from lit_tricks.evaluation import evaluate_split, split_loader
from lit_tricks.restore import restore


def evaluate_run(
    path: str,
    split: str = "test",
    data_dir: str | None = None,
    data_path: str | None = None,
    allow_targets: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the metrics of one split, named as in ``results.json``, computed from the run's checkpoint.

    Args:
        path: the run directory.
        split: ``train``, ``val`` or ``test``.
        data_dir: where MNIST and its like lie now, if they moved.
        data_path: where the user's own file or folder lies now, if it moved.
        allow_targets: packages whose classes the run may build, beside the known ones.

    Raises:
        UserError: when the run or the split is absent, or the data no longer fits the checkpoint.
    """
    check_split(split)
    restored = restore(path, allow_targets)
    if data_dir is not None:
        restored.config.data_dir = data_dir
    if data_path is not None:
        restored.config.data.path = data_path
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
    """Print one split's metrics, one a line, for the arguments in ``FORMS``."""
    values = take(arguments, "evaluate", *FORMS["evaluate"])
    places = {name: values.get(name) for name in ("data_dir", "data_path")}
    metrics = evaluate_run(
        values["run"], values.get("split", "test"), **places, allow_targets=packages(values.get("allow_targets"))
    )
    for name, value in metrics.items():
        print(f"{name}\t{value!r}")
