"""Image files to arrays of one size and colour."""

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from lit_tricks.data.labels import listing
from lit_tricks.errors import UserError

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

_GREY_MODES = frozenset({"1", "L", "LA", "La"})
_ORIENTATION = 0x0112
_PIL_MODES = {1: "L", 3: "RGB"}


class UnreadableImage(Exception):
    """A file that should be an image and is none; its text is the reason."""


def list_images(folder: Path) -> list[Path]:
    """Return the image files in ``folder`` and below, told by suffix, sorted by path; hidden ones are left out."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in files if is_image(Path(name))]
    return sorted(found)


def is_image(path: Path) -> bool:
    """Return whether the name is that of an image file."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def probe_image(path: Path) -> tuple[tuple[int, int], bool]:
    """Return (height, width) as the image is to be seen, and whether its format is grey, without decoding it.

    Raises ``UnreadableImage``.
    """
    with _opened(path) as image:
        turned = image.getexif().get(_ORIENTATION, 1) > 4
        size = image.size if turned else image.size[::-1]
        return (size[0], size[1]), image.mode in _GREY_MODES or image.mode.startswith("I")


def read_image(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return the first frame as ``uint8`` of ``shape`` (C, H, W) with C = 1 (grey) or 3 (red, green, blue).

    Turned upright as its EXIF data says; 16 bits become the upper 8; transparency is dropped; another size is
    resampled bilinearly, without keeping the aspect ratio. Raises ``UnreadableImage``.
    """
    with _opened(path) as image:
        image.load()
        return _fit(ImageOps.exif_transpose(image), shape)


def refit(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a ``uint8`` image (C, H, W), C = 1 or 3, brought to ``shape`` as ``read_image`` does."""
    if image.shape == tuple(shape):
        return image
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    return _fit(Image.fromarray(np.ascontiguousarray(pixels)), shape)


def raise_unreadable(failures: list[tuple[Path, str]], remedy: str) -> None:
    """Raise one ``UserError`` that names the first ``failures``, pairs of path and reason, if there are any."""
    if failures:
        named = listing([f"{path} ({reason})" for path, reason in failures])
        count = f"{len(failures)} is not" if len(failures) == 1 else f"{len(failures)} are not"
        raise UserError(f"image files must be readable; {count}: {named}: {remedy}")


def _fit(image: Image.Image, shape: tuple[int, ...]) -> np.ndarray:
    if image.mode.startswith("I"):
        # Pillow would clip 16-bit grey values to 255 instead of scaling them.
        image = Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    mode = _PIL_MODES[shape[0]]
    if image.mode != mode:
        image = image.convert(mode)
    if image.size != (shape[2], shape[1]):
        image = image.resize((shape[2], shape[1]), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[np.newaxis] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence Pillow, which warns of broken files beside failing on them.

    Filters of warnings belong to all threads together, so whoever reads files in several sets them once for all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or math.inf):
                raise Image.DecompressionBombError
            if image.mode == "F":
                raise UnreadableImage("floating-point pixels: store 8 or 16 bits")
            yield image
    except UnreadableImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage("too many pixels, possibly a decompression bomb") from error
    except Exception as error:  # Pillow's decoders raise a dozen kinds, down to struct.error and IndexError.
        reason = "not an image" if isinstance(error, Image.UnidentifiedImageError) else str(error)
        raise UnreadableImage(reason) from error
