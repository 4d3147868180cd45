"""What every later stage must know of the data, in one small object of primitives."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

# largest class by smallest from which on their sizes are told, of at most so many classes each
_UNEQUAL, _LISTED = 2, 10


@dataclass(frozen=True)
class DataSpec:
    """The facts about a data set that flow to the network, the objective, the reports and the checkpoint.

    It holds primitives only, so that a checkpoint which carries it loads under ``weights_only=True``.

    Attributes:
        name: the word the data was chosen by, for example ``digits``, or the name of a user's file or folder.
        kind: ``image`` for (channels, height, width) examples, ``table`` for feature vectors.
        input_shape: shape of one example as the network receives it, without the batch dimension.
        class_names: one name per class, in the order of the integer labels.
        class_counts: examples per class in the training split.
        value_range: smallest and largest possible raw input, None when unbounded.
        n_train, n_val, n_test: examples in each split.
        encoding: how raw files become examples, as prediction needs it (columns, categories, image size).
    """

    name: str
    kind: Literal["image", "table"]
    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    class_counts: tuple[int, ...]
    value_range: tuple[float, float] | None
    n_train: int
    n_val: int
    n_test: int
    encoding: Mapping[str, Any] = field(default_factory=dict)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def num_features(self) -> int:
        """Number of values in one example, flattened."""
        return math.prod(self.input_shape)

    @property
    def summary(self) -> str:
        """Name, classes and the size of each split, in one line, and of unequal classes the training examples."""
        splits = {"training": self.n_train, "validation": self.n_val, "test": self.n_test}
        sizes = ", ".join(f"{size:,} {split}" for split, size in splits.items())
        said = f"{self.name}: {self.num_classes} classes, {sizes} examples"
        counted = sorted(zip(self.class_counts, self.class_names, strict=True), key=lambda pair: -pair[0])
        if counted[0][0] < _UNEQUAL * counted[-1][0]:
            return said
        told = counted if len(counted) <= _LISTED else [counted[0], counted[-1]]
        return f"{said} (training: {(', ' if told is counted else ' to ').join(f'{c} {n:,}' for n, c in told)})"

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as nested primitives."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "DataSpec":
        """Rebuild the specification that ``to_dict`` wrote, also after a trip through JSON."""
        value_range = state["value_range"]
        return cls(
            **{
                **state,
                "input_shape": tuple(state["input_shape"]),
                "class_names": tuple(state["class_names"]),
                "class_counts": tuple(state["class_counts"]),
                "value_range": None if value_range is None else tuple(value_range),
            }
        )
