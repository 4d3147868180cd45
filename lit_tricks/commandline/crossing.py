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
)


def check_crossing(content: Mapping[str, Any]) -> None:
    """Raise ``UserError`` when two values of one configuration, each good in itself, contradict each other."""
    _check_path(content)
    _check_folds(content)
    _check_dropout(content)
    _check_order(content)
    for place, node in _monitors(content):
        _check_mode(place, node)


def _check_path(content: Mapping[str, Any]) -> None:
    data = content.get("data") or {}
    if "path" in data and data["path"] is None and str(data.get("_target_")).startswith("lit_tricks."):
        raise UserError("data.path must name your file or folder; received null: try data.path=FILE")


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


def _check_order(content: Mapping[str, Any]) -> None:
    for low, high in ORDERED:
        smaller, larger = _at(content, low), _at(content, high)
        if isinstance(smaller, int | float) and isinstance(larger, int | float) and larger != -1 and smaller > larger:
            raise UserError(f"{low} must not exceed {high}; received {smaller} and {larger}: swap them")


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
