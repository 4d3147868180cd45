"""Rows by their content."""

from hashlib import blake2b

import numpy as np


def row_digests(rows: np.ndarray) -> list[bytes]:
    """Return 16 bytes for each row of an array (N, …), the same for two rows just when they hold the same bytes.

    Other rows share them with a chance of about N² / 2^129.
    """
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    return [blake2b(row.tobytes(), digest_size=16).digest() for row in flat]
