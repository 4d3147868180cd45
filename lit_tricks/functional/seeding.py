"""Independent random streams from one seed."""

import zlib

import numpy as np


def derive_seed(seed: int, *words: str | int) -> int:
    """Return a seed in [0, 2**63) for the stream that ``words`` name, independent of every other stream.

    Splitting, initialisation, batch order and dropout each draw from a stream of their own, so that two
    runs with one ``seed`` stay paired wherever a trick leaves a stream alone. Mixing is NumPy's
    ``SeedSequence`` (O'Neill's seed_seq scheme); words enter by their CRC-32, integers as they are.

    Raises ``ValueError`` when ``seed`` or an integer word is negative.
    """
    entropy = [seed, *(zlib.crc32(word.encode()) if isinstance(word, str) else word for word in words)]
    if min(entropy) < 0:
        raise ValueError(f"seeds and integer words must be at least 0; received {entropy}")
    high, low = np.random.SeedSequence(entropy).generate_state(2, np.uint32)
    return (int(high) << 32 | int(low)) & (2**63 - 1)
