"""Labels in arrays, to class names and class indices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lit_tricks.data.labels import apply_labels, index_labels, listing
from lit_tricks.errors import UserError

_CHUNK_ROWS = 2**16


@dataclass(frozen=True)
class Labels:
    """The labels of one split.

    Attributes:
        texts: (K,) the different ones as strings.
        codes: (N,) ``int64`` position of each row's label among them.
        where: what they are, for messages.
    """

    texts: np.ndarray
    codes: np.ndarray
    where: str

    def __len__(self) -> int:
        return len(self.codes)

    def indices(self, classes: dict[str, int]) -> np.ndarray:
        """Return (N,) ``int64`` class indices; raises ``UserError`` for a label that ``classes`` lacks."""
        return apply_labels(self.texts, self.where, classes)[self.codes]


def read_labels(array: np.ndarray, where: str) -> Labels:
    """Return the labels of an array of whole numbers or strings, (N,) or (N, 1); raises ``UserError`` for others."""
    flat = array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim != 1 or not len(flat):
        raise UserError(
            f"labels must be one whole number or string a row, shape (N,); {where} is {array.dtype} {array.shape}: "
            "for one-hot labels store y.argmax(1)"
        )
    distinct = flat[:0]
    for _, values in _pieces(flat, where):
        distinct = np.union1d(distinct, values) if len(distinct) else np.unique(values)
    codes = np.empty(len(flat), dtype=np.int64)
    for start, values in _pieces(flat, where):
        codes[start : start + len(values)] = np.searchsorted(distinct, values)
    texts = np.char.decode(distinct, "utf-8") if distinct.dtype.kind == "S" else distinct
    return Labels(np.array([str(value) for value in texts.tolist()], dtype=object), codes, where)


def training_classes(
    labels: Labels, arrays: Mapping[str, np.ndarray], name: str
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the mapping from a label's string to its class index, and the class names.

    ``arrays`` holds the labels under ``name`` and may hold ``class_names``, which they index or spell. Raises
    ``UserError`` for fewer than two classes and for labels outside ``class_names``.
    """
    if "class_names" not in arrays:
        return index_labels(labels.texts, labels.where, "check the array", rows=len(labels))
    names = tuple(str(value) for value in arrays["class_names"].reshape(-1).tolist())
    if len(set(names)) < max(2, len(names)):
        raise UserError(
            f"class_names must be at least 2, and differ; {labels.where} has {listing(names)}: correct them"
        )
    by_name = arrays[name].dtype.kind in "US"
    classes = {text if by_name else str(index): index for index, text in enumerate(names)}
    outside = sorted(set(labels.texts.tolist()) - set(classes))
    if outside:
        raise UserError(
            f"labels must be indices into class_names, or the names; {labels.where} also holds {listing(outside)}, "
            f"class_names holds {len(names)} from 0: correct either"
        )
    return classes, names


def _pieces(flat: np.ndarray, where: str) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(flat), _CHUNK_ROWS):
        values = flat[start : start + _CHUNK_ROWS]
        if values.dtype.kind == "f":
            if not (np.isfinite(values).all() and (values == np.floor(values)).all()):
                raise UserError(f"labels must be whole numbers or strings; {where} holds fractions or NaN: convert it")
            values = values.astype(np.int64)
        yield start, values
