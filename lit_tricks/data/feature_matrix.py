"""Training examples as the matrix of numbers that a resampler compares, and rows of such a matrix as examples."""

import numpy as np
import torch
from torch import Tensor

from lit_tricks.data.files import check_bytes
from lit_tricks.data.ready import Ready


class FeatureMatrix:
    """The training split with every input flattened and normalised, so that no feature counts more for its unit.

    A table's categorical columns can be one column of codes each instead of one column per category; whether a value
    was missing is such a category too.

    Args:
        data: the splits with the normaliser.
        coded: whether categories are codes.

    Attributes:
        rows: (N, D) ``float32``.
        categorical: positions of the columns of codes; empty unless ``coded``.

    Raises ``UserError`` when the matrix would not fit into memory.
    """

    def __init__(self, data: Ready, coded: bool) -> None:
        self._data = data
        features = data.spec.num_features
        check_bytes(len(data.train) * features * 4, "the matrix that is resampled", "try data.train_size=0.1")
        self._blocks = category_blocks(data) if coded else []
        self._plain = np.setdiff1d(np.arange(features), np.concatenate([[], *self._blocks]).astype(np.int64))
        raw = data.train.x
        with torch.no_grad():
            matrix = data.normaliser(raw).flatten(1).numpy()
        codes = [_code(raw.flatten(1)[:, block].numpy()) for block in self._blocks]
        self.rows: np.ndarray = np.column_stack([matrix[:, self._plain], *codes]).astype(np.float32, copy=False)
        self.categorical = list(range(len(self._plain), self.rows.shape[1]))

    def inputs(self, rows: np.ndarray) -> Tensor:
        """Return ``rows`` (M, D) as raw inputs (M, *input_shape) of the training split's dtype.

        What normalisation takes away is what it takes for nothing; whole numbers are rounded.
        """
        normaliser, train = self._data.normaliser, self._data.train
        scale, shift = normaliser.scale.double().flatten().numpy(), normaliser.shift.double().flatten().numpy()
        raw = np.zeros((len(rows), len(scale)))
        width, invertible = len(self._plain), np.where(scale == 0, np.inf, scale)
        raw[:, self._plain] = rows[:, :width] / invertible[self._plain] + shift[self._plain]
        for block, codes in zip(self._blocks, rows[:, width:].T, strict=True):
            if len(block) == 1:
                raw[:, block[0]] = codes
            else:
                raw[np.arange(len(rows)), block[codes.astype(np.int64)]] = 1.0
        inputs = torch.from_numpy(raw).view(-1, *train.shape[1:])
        if train.dtype.is_floating_point:
            return inputs.to(train.dtype)
        bounds = torch.iinfo(train.dtype)
        return inputs.round_().clamp_(bounds.min, bounds.max).to(train.dtype)


def category_blocks(data: Ready) -> list[np.ndarray]:
    """Return the columns that stand for one category each, a table's by its encoder; none for other data.

    A block of one column, such as whether a value was missing, holds 0 and 1.
    """
    encoder = data.spec.encoding.get("encoder")
    if encoder is None:
        return []
    start = len(encoder["numeric"])
    blocks = [np.array([start + place]) for place in range(len(encoder["indicated"]))]
    start += len(blocks)
    for known in encoder["categories"].values():
        blocks.append(np.arange(start, start + len(known)))
        start += len(known)
    return blocks


def _code(block: np.ndarray) -> np.ndarray:
    return block[:, 0] if block.shape[1] == 1 else block.argmax(1)
