"""Rules between two knobs, each within its own range."""

from collections.abc import Iterator, Mapping
from typing import Any

from lit_tricks.errors import UserError

# Smaller first; a missing or null bound is no bound.
ORDERED = (
    ("trainer.min_epochs", "trainer.max_epochs"),
    ("trainer.min_steps", "trainer.max_steps"),
    ("scheduler.min_lr", "scheduler.max_lr"),
    ("scheduler.base_momentum", "scheduler.max_momentum"),
    ("callbacks.lr_finder.min_lr", "callbacks.lr_finder.max_lr"),
)

# Callbacks that replace the weights by an average of them.
AVERAGES = ("EMA", "SWA", "WeightAveraging", "EMAWeightAveraging", "StochasticWeightAveraging")

# What data.path is for the words that read one.
PLACES = {"CSVDataModule": "FILE.csv", "NPZDataModule": "FILE.npz", "ImageFolderDataModule": "FOLDER"}


def check_crossing(content: Mapping[str, Any], complete: bool = True) -> None:
    """Raise ``UserError`` when two values of one configuration, each good in itself, contradict each other.

    A run's configuration must be ``complete``: the path of the user's own data has to be there.
    """
    if complete:
        _check_path(content)
    _check_folds(content)
    _check_dropout(content)
    _check_kernel(content)
    _check_nesterov(content)
    _check_line_search(content)
    _check_order(content)
    _check_averages(content)
    _check_epoch_factor(content)
    _check_scaling(content)
    _check_finder(content)
    _check_prior(content)
    for place, node in _monitors(content):
        _check_mode(place, node)


def _check_path(content: Mapping[str, Any]) -> None:
    data = content.get("data") or {}
    target = str(data.get("_target_"))
    if "path" in data and data["path"] is None and target.startswith("lit_tricks."):
        place = PLACES.get(target.rpartition(".")[2], "FILE")
        what = "folder" if place == "FOLDER" else "file"
        raise UserError(f"data.path must name your {what}; received null: try data.path={place}")


def _check_folds(content: Mapping[str, Any]) -> None:
    folds, fold = _at(content, "data.folds"), _at(content, "data.fold")
    if not isinstance(fold, int) or isinstance(fold, bool):
        return
    if folds is None and fold > 0:
        raise UserError(f"data.fold={fold} needs the number of folds: try data.folds={max(5, fold + 1)}")
    if isinstance(folds, int) and fold >= folds:
        raise UserError(f"data.fold must be less than data.folds={folds}; received {fold}: try data.fold={folds - 1}")


def _check_dropout(content: Mapping[str, Any]) -> None:
    dropout, hidden = _at(content, "model.dropout"), _at(content, "model.hidden")
    if isinstance(dropout, list) and isinstance(hidden, list):
        layers = len(hidden) + len(_at(content, "model.channels") or [])
        if len(dropout) != layers:
            raise UserError(
                f"model.dropout must have one value per hidden layer ({layers}) or be a single number; "
                f"received {len(dropout)} values: try model.dropout={dropout[0] if dropout else 0.3}"
            )


def _check_kernel(content: Mapping[str, Any]) -> None:
    size = _at(content, "model.kernel_size")
    if isinstance(size, int) and size % 2 == 0 and str(_at(content, "model._target_")).startswith("lit_tricks."):
        raise UserError(f"model.kernel_size must be odd; received {size}: try model.kernel_size={size + 1}")


def _check_nesterov(content: Mapping[str, Any]) -> None:
    if _at(content, "optimizer.nesterov") is not True:
        return
    if _at(content, "optimizer.momentum") == 0:
        raise UserError(
            "optimizer=nesterov needs optimizer.momentum greater than 0; received 0: "
            "try optimizer.momentum=0.9, or optimizer=sgd for none"
        )
    if dampening := _at(content, "optimizer.dampening"):
        raise UserError(
            f"Nesterov's momentum takes no optimizer.dampening; received {dampening}: try optimizer=nesterov"
        )


def _check_line_search(content: Mapping[str, Any]) -> None:
    """L-BFGS calls for loss and gradient many times a step, each of which must be of the same function."""
    if not _is_line_search(content):
        return
    accumulated, clipped = _at(content, "trainer.accumulate_grad_batches"), _at(content, "trainer.gradient_clip_val")
    if isinstance(accumulated, int) and accumulated > 1:
        raise UserError(
            f"optimizer=lbfgs needs trainer.accumulate_grad_batches=1; received {accumulated}: try a larger batch_size"
        )
    if clipped:
        raise UserError(
            f"optimizer=lbfgs needs the loss's own gradient, trainer.gradient_clip_val=null; received {clipped}: "
            "leave it out"
        )
    for path in ("transfer.lr_divisor", "transfer.body_lr"):
        if (share := _at(content, path)) not in (None, 1):
            raise UserError(f"optimizer=lbfgs knows one rate; received {path}={share}: try {path}=1")


def _check_order(content: Mapping[str, Any]) -> None:
    for low, high in ORDERED:
        smaller, larger = _at(content, low), _at(content, high)
        if isinstance(smaller, int | float) and isinstance(larger, int | float) and larger != -1 and smaller > larger:
            raise UserError(f"{low} must not exceed {high}; received {smaller} and {larger}: swap them")


def _check_averages(content: Mapping[str, Any]) -> None:
    found = [name for name in (target.rpartition(".")[2] for target in _callbacks(content)) if name in AVERAGES]
    if len(found) > 1:
        raise UserError(
            f"a run can hand back one average of its weights; received {' and '.join(found)}: leave one out"
        )


def _check_epoch_factor(content: Mapping[str, Any]) -> None:
    factor, epochs = content.get("epoch_factor", 1), _at(content, "trainer.max_epochs")
    if factor != 1 and epochs in (None, -1):
        raise UserError(
            f"epoch_factor={factor} needs a trainer.max_epochs to multiply; received {epochs}: "
            "try trainer.max_epochs=20"
        )


def _check_scaling(content: Mapping[str, Any]) -> None:
    if not _scales(content):
        return
    rule = content["lr_scaling"]
    if _at(content, "optimizer.lr") is None:
        raise UserError(f"lr_scaling={rule} needs an optimizer.lr to scale; there is none: try lr_scaling=none")
    if _is_line_search(content):
        raise UserError(
            f"lr_scaling={rule} has nothing to scale: optimizer=lbfgs takes its steps from a line search: "
            "try lr_scaling=none"
        )
    if _at(content, "scheduler.max_lr") and not _finders(content):
        raise UserError(
            f"lr_scaling={rule} has nothing to scale: scheduler.max_lr takes the place of optimizer.lr: "
            "try scheduler.max_lr=null"
        )


def _check_finder(content: Mapping[str, Any]) -> None:
    if not _finders(content):
        return
    impossible = {
        "optimizer=lbfgs, which takes its steps from a line search: leave lr_finder out": _is_line_search(content),
        "an optimizer without lr: leave lr_finder out": _at(content, "optimizer.lr") is None,
        "another finder: leave one out": _finders(content) > 1,
        "scheduler.max_lr, which takes the place of the rate that it finds: try scheduler.max_lr=null": _at(
            content, "scheduler.max_lr"
        ),
    }
    for what, holds in impossible.items():
        if holds:
            raise UserError(f"lr_finder finds optimizer.lr; it cannot be used with {what}")


def _check_prior(content: Mapping[str, Any]) -> None:
    if _at(content, "correction.prior") in (None, "none"):
        return
    if str(_at(content, "sampler._target_")).endswith(".InputResamplingSampler"):
        raise UserError(
            "correction.prior needs training examples as the data has them, because made-up ones shift more than class "
            "shares: try sampler=oversample or correction.prior=none"
        )


def _callbacks(content: Mapping[str, Any]) -> list[str]:
    """Return the dotted class names of the callbacks."""
    nodes = (content.get("callbacks") or {}).values()
    return [str(node.get("_target_")) for node in nodes if isinstance(node, Mapping)]


def _finders(content: Mapping[str, Any]) -> int:
    # Lightning has a class of this name as well
    own = [target for target in _callbacks(content) if target.startswith("lit_tricks.")]
    return sum(target.endswith(".LearningRateFinder") for target in own)


def _scales(content: Mapping[str, Any]) -> bool:
    return _at(content, "lr_scaling") not in (None, "none")


def _is_line_search(content: Mapping[str, Any]) -> bool:
    return str(_at(content, "optimizer._target_")).endswith(".LBFGS")


def _monitors(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    callbacks = content.get("callbacks") or {}
    places = {f"callbacks.{name}": node for name, node in callbacks.items()} | {"scheduler": content.get("scheduler")}
    for place, node in places.items():
        if isinstance(node, Mapping) and isinstance(node.get("monitor"), str) and "mode" in node:
            yield place, node


def _check_mode(place: str, node: Mapping[str, Any]) -> None:
    wanted = "min" if node["monitor"].endswith("loss") else "max"
    if node["monitor"].partition("/")[0] in ("train", "val", "test") and node["mode"] != wanted:
        raise UserError(
            f"{place}.monitor={node['monitor']} should {'fall' if wanted == 'min' else 'rise'}, "
            f"but {place}.mode is {node['mode']}: add {place}.mode={wanted}"
        )


def _at(content: Mapping[str, Any], path: str) -> Any:
    node: Any = content
    for part in path.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    return node
