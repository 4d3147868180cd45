"""Many image files at once to one array."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lit_tricks.data.backing import assemble
from lit_tricks.data.image_files import UnreadableImage, raise_unreadable, read_image, without_warnings

# Bytes of a file, on average, from which several threads pay: of 67 µs for MNIST's images of 270 bytes Pillow lets
# others work for 7, of 363 µs for photographs of 4,600 bytes for 246, and of 1,807 µs for 83,000 bytes for 1,528.
_WORTH_THREADS = 4096
# Images that a thread decodes before it hands them over.
_FEW = 16

_Decoded = list[np.ndarray | UnreadableImage]


def read_images(
    paths: Sequence[Path], shape: tuple[int, ...], remedy: str, threads: Callable[[], int] | None = None
) -> np.ndarray:
    """Return ``uint8`` (N, *shape) in the order of ``paths``, mapped from disk where memory is short.

    Shape and pixels are those of ``read_image``, the place those of ``assemble``. One ``UserError`` names all
    unreadable files, with the ``remedy``. ``threads`` tells how many may decode, None one for each core.
    """
    failures: list[tuple[Path, str]] = []

    def pixels() -> Iterator[np.ndarray]:
        for path, found in zip(paths, _in_order(paths, shape, _threads(paths, threads)), strict=True):
            if isinstance(found, UnreadableImage):
                failures.append((path, str(found)))
                found = np.zeros(shape, dtype=np.uint8)
            yield found[np.newaxis]

    with without_warnings():
        images = assemble(pixels(), (len(paths), *shape), f"{len(paths)} images of {shape}", "try data.image_size=32")
    raise_unreadable(failures, remedy)
    return images


def _in_order(paths: Sequence[Path], shape: tuple[int, ...], threads: int) -> Iterator[np.ndarray | UnreadableImage]:
    """Yield every image, or why it is none, in order."""
    pieces = [paths[start : start + _FEW] for start in range(0, len(paths), _FEW)]
    if threads == 1:
        for few in pieces:
            yield from _read_few(few, shape)
        return
    waiting: deque[Future[_Decoded]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for few in pieces:
            waiting.append(pool.submit(_read_few, few, shape))
            # decoded images must not pile up where they are written more slowly than read
            if len(waiting) > 2 * threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _threads(paths: Sequence[Path], most: Callable[[], int] | None) -> int:
    """Return what ``most`` tells where several threads pay, else one."""
    sizes = [path.stat().st_size for path in paths[:: max(1, len(paths) // 100)] if path.exists()]
    if sum(sizes) < _WORTH_THREADS * max(1, len(sizes)):
        return 1
    if most is not None:
        return most()
    from joblib import cpu_count

    return int(cpu_count())


def _read_few(paths: Sequence[Path], shape: tuple[int, ...]) -> _Decoded:
    found: _Decoded = []
    for path in paths:
        try:
            found.append(read_image(path, shape))
        except UnreadableImage as error:
            found.append(error)
    return found
