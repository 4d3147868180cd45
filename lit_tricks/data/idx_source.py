"""A data set published as MNIST's four IDX files: found or downloaded, and verified before anything uses it."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from lit_tricks.data.download import DownloadError, Mirrors
from lit_tricks.data.idx import read_images, read_labels
from lit_tricks.data.selection import checked_classes, select_classes
from lit_tricks.data.source import Examples, Loaded, Source
from lit_tricks.errors import UserError

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
# Places that other data sets with the same four names may share.
_SHARED_FOLDERS = (".", "raw")
# The largest of the files has 47,040,016 bytes.
_MAX_BYTES = 2**26


@dataclass(frozen=True)
class Edition:
    """What identifies one data set that is published as MNIST's four files.

    Attributes:
        name: the word it is chosen by.
        title: its name in messages.
        class_names: one per label.
        sha256: hash of the uncompressed bytes, by file name.
        folders: where it usually lies under the data folder; a download goes to the first.
        mirrors: base addresses that serve the four files as ``.gz``.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    sha256: Mapping[str, str]
    folders: tuple[str, ...]
    mirrors: tuple[str, ...]


class IdxSource(Source):
    """Reads an edition from the first of its usual folders that has each file, raw or gzip.

    Every load hashes the very bytes it parses, so nothing unverified is ever trained on. File names do not tell
    the editions apart: in a folder that data sets share, a file of one of the ``others`` is passed over; in a
    folder of the edition's own, it is an error like any other wrong content.

    Args:
        edition: the data set.
        data_dir: folder to search; None means the environment variable ``LIT_TRICKS_DATA``, else ``./data``.
        mirrors: base addresses to download from, in order, instead of the edition's.
        others: editions with the same file names.
        classes: the labels to keep, at least two different ones; they become classes in this order. None is all.
    """

    kind = "image"

    def __init__(
        self,
        edition: Edition,
        data_dir: str | Path | None = None,
        mirrors: Sequence[str] | None = None,
        others: Sequence[Edition] = (),
        classes: Sequence[int] | None = None,
    ) -> None:
        self.edition = edition
        self.name = edition.name
        self.root = Path(data_dir or os.environ.get("LIT_TRICKS_DATA") or "data").expanduser()
        self.mirrors = edition.mirrors if mirrors is None else _checked_mirrors(mirrors)
        self.classes = None if classes is None else checked_classes(classes, len(edition.class_names))
        self._owners = {sha256: other for other in others for sha256 in other.sha256.values()}

    def prepare(self) -> None:
        """Download what is not there; at once when all is there, in about 8 s when no mirror answers.

        Raises ``UserError`` when a file is neither there nor to be had.
        """
        mirrors = Mirrors(self.mirrors)
        home = self.root / self.edition.folders[0]
        for name in FILES:
            if self._is_there(name):
                continue
            try:
                mirrors.fetch(f"{name}.gz", home, partial(self._verify, name), _MAX_BYTES)
            except DownloadError as error:
                tried = [f"{base}: {reason}" for base, reason in mirrors.failures.items()]
                raise self._missing(name, "and could not be downloaded; mirrors tried:", tried) from error

    def load(self) -> Loaded:
        """Return images (N, 1, 28, 28) ``uint8`` in [0, 255] with the official test split.

        Raises ``UserError`` that names the file which is absent, truncated or altered.
        """
        train_x, train_y, test_x, test_y = (self._find(name) for name in FILES)
        everything = Loaded(
            train=_examples(train_x, train_y),
            test=_examples(test_x, test_y),
            class_names=self.edition.class_names,
            value_range=(0.0, 255.0),
        )
        return select_classes(everything, self.classes)

    def _candidates(self, name: str) -> Iterator[tuple[Path, bool]]:
        """Yield each existing file that may be ``name``, raw ones first, and whether its folder is shared."""
        spellings = (name, name.replace("-idx", ".idx"))
        for folder in (*self.edition.folders, *_SHARED_FOLDERS):
            for suffix in ("", ".gz"):
                for spelling in spellings:
                    path = self.root / folder / (spelling + suffix)
                    if path.is_file():
                        yield path, folder in _SHARED_FOLDERS

    def _is_there(self, name: str) -> bool:
        return any(
            not shared or self._read(name, path)[1] not in self._owners for path, shared in self._candidates(name)
        )

    def _find(self, name: str) -> np.ndarray:
        for path, shared in self._candidates(name):
            array, sha256 = self._read(name, path)
            if not (shared and sha256 in self._owners):
                self._check(name, path, sha256)
                return array
        raise self._missing(name, "and has not been downloaded; prepare_data() does that")

    def _verify(self, name: str, path: Path) -> None:
        self._check(name, path, self._read(name, path)[1])

    def _read(self, name: str, path: Path) -> tuple[np.ndarray, str]:
        read = read_images if "images" in name else read_labels
        digest = hashlib.sha256()
        return read(path, max_bytes=_MAX_BYTES, tap=digest.update), digest.hexdigest()

    def _check(self, name: str, path: Path, sha256: str) -> None:
        expected = self.edition.sha256[name]
        if sha256 == expected:
            return
        title, owner = self.edition.title, self._owners.get(sha256)
        if owner is not None:
            raise UserError(
                f"{path} must hold {title}'s {name}, but holds {owner.title}'s: "
                f"move it to {self.root / owner.folders[0]}, or try data={owner.name}"
            )
        raise UserError(
            f"{path} must hold {title}'s published bytes, SHA-256 {expected}; received altered content, "
            f"{sha256}: restore it, or delete it for a fresh download"
        )

    def _missing(self, name: str, why: str, details: Sequence[str] = ()) -> UserError:
        # A candidate of a file that counts as missing can only be another edition's.
        strangers = [
            f"(passed over {path}, which is {self._owners[self._read(name, path)[1]].title}'s)"
            for path, _ in self._candidates(name)
        ]
        home = self.root / self.edition.folders[0]
        lines = [
            f"{self.edition.title}'s {name} was not found in {self.root.absolute()}",
            *strangers,
            why,
            *(f"  {detail}" for detail in details),
            f"Put {', '.join(FILES)} (raw or .gz) into {home},",
            "try data_dir=FOLDER with the folder that has them, or data=digits, which needs no download",
        ]
        return UserError("\n".join(lines))


def _examples(images: np.ndarray, labels: np.ndarray) -> Examples:
    return Examples(torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels.astype(np.int64)))


def _checked_mirrors(mirrors: Sequence[str]) -> tuple[str, ...]:
    is_list = isinstance(mirrors, Sequence) and not isinstance(mirrors, str)
    if is_list and mirrors and all(str(base).startswith(("http://", "https://")) for base in mirrors):
        return tuple(str(base) for base in mirrors)
    raise UserError(
        f"data.mirrors must be a list of http(s) addresses; received {mirrors!r}: "
        "try data.mirrors=null for the usual ones, or data.mirrors=[http://HOST/FOLDER]"
    )
