import gzip
import hashlib
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lit_tricks.data.idx_source import FILES, Edition, IdxSource
from lit_tricks.errors import UserError


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def make(seed: int, name: str, title: str, folders: tuple[str, ...]) -> tuple[dict[str, np.ndarray], Edition]:
    """Return four small arrays by file name, and the edition that their hashes identify."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for split, rows in (("train", 12), ("t10k", 6)):
        arrays[f"{split}-images-idx3-ubyte"] = rng.integers(0, 256, (rows, 4, 5), dtype=np.uint8)
        arrays[f"{split}-labels-idx1-ubyte"] = rng.integers(0, 3, rows, dtype=np.uint8)
    hashes = {file: hashlib.sha256(idx_bytes(array)).hexdigest() for file, array in arrays.items()}
    return arrays, Edition(name, title, ("a", "b", "c"), hashes, folders, ("http://127.0.0.1:9/unused",))


DIGITS, OURS = make(0, "ours", "Our set", ("ours", "OURS/raw"))
CLOTHES, OTHER = make(1, "other", "The other", ("other",))


def put(folder: Path, arrays: dict[str, np.ndarray], *, packed: bool = True, dotted: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        spelling = name.replace("-idx", ".idx") if dotted else name
        content = gzip.compress(idx_bytes(array)) if packed else idx_bytes(array)
        (folder / f"{spelling}{'.gz' if packed else ''}").write_bytes(content)
    return folder


def source(root: Path, mirrors: list[str] | None = None) -> IdxSource:
    return IdxSource(OURS, root, mirrors, others=(OTHER,))


def assert_ours(idx_source: IdxSource) -> None:
    loaded = idx_source.load()
    for examples, split in ((loaded.train, "train"), (loaded.test, "t10k")):
        images, labels = DIGITS[f"{split}-images-idx3-ubyte"], DIGITS[f"{split}-labels-idx1-ubyte"]
        assert examples.x.dtype == torch.uint8
        assert examples.y.dtype == torch.int64
        torch.testing.assert_close(examples.x, torch.from_numpy(images)[:, None], rtol=0, atol=0)
        np.testing.assert_array_equal(examples.y.numpy(), labels)
    assert loaded.class_names == ("a", "b", "c")
    assert loaded.value_range == (0.0, 255.0)


@pytest.mark.parametrize("folder", ["ours", "OURS/raw", "raw", "."])
@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "raw"])
@pytest.mark.parametrize("dotted", [True, False], ids=["dot", "dash"])
def test_usual_layouts_are_found(tmp_path, folder, packed, dotted):
    put(tmp_path / folder, DIGITS, packed=packed, dotted=dotted)
    ours = source(tmp_path)
    ours.prepare()
    assert_ours(ours)


def test_files_may_be_links_and_lie_in_several_folders(tmp_path):
    store = put(tmp_path / "store", DIGITS)
    for folder, name in zip(("ours", "OURS/raw", ".", "raw"), FILES, strict=True):
        (tmp_path / "root" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / folder / f"{name}.gz").symlink_to(store / f"{name}.gz")
    assert_ours(source(tmp_path / "root"))


def test_other_set_in_the_shared_folder_is_passed_over(tmp_path):
    put(tmp_path, CLOTHES, packed=False)
    put(tmp_path / "raw", CLOTHES)
    with pytest.raises(UserError, match=r"Our set's train-images-idx3-ubyte was not found(.|\n)*which is The other's"):
        source(tmp_path).load()
    put(tmp_path, DIGITS, packed=True)
    assert_ours(source(tmp_path))


def test_other_set_in_our_own_folder_is_an_error(tmp_path):
    put(tmp_path / "ours", CLOTHES)
    with pytest.raises(UserError, match=r"ours/train-images\S+ must hold Our set's .* The other's: .*try data=other"):
        source(tmp_path).load()


@pytest.mark.parametrize("folder", ["ours", "."])
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "raw"])
def test_altered_file_is_named(tmp_path, folder, name, packed):
    altered = DIGITS[name].copy()
    altered.flat[-1] ^= 1
    put(tmp_path / folder, DIGITS | {name: altered}, packed=packed)
    ours = source(tmp_path)
    ours.prepare()
    with pytest.raises(UserError, match=rf"{name}(\.gz)? must hold Our set's published bytes, .* altered content"):
        ours.load()


@pytest.mark.parametrize("folder", ["ours", "."])
@pytest.mark.parametrize("name", FILES)
def test_truncated_file_is_named(tmp_path, folder, name):
    path = put(tmp_path / folder, DIGITS) / f"{name}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=rf"{name}\.gz must be a complete IDX file; its gzip stream ends early"):
        source(tmp_path).load()


def test_every_load_verifies_again(tmp_path):
    put(tmp_path / "ours", DIGITS)
    ours = source(tmp_path)
    assert_ours(ours)
    put(tmp_path / "ours", CLOTHES)
    with pytest.raises(UserError, match="The other's"):
        ours.load()


def test_data_folder_comes_from_argument_environment_default(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("LIT_TRICKS_DATA", "/elsewhere")
    assert IdxSource(OURS, tmp_path).root == tmp_path
    assert IdxSource(OURS, "~/data").root == Path("/home/somebody/data")
    assert IdxSource(OURS).root == Path("/elsewhere")
    monkeypatch.setenv("LIT_TRICKS_DATA", "")
    assert IdxSource(OURS).root == Path("data")
    monkeypatch.delenv("LIT_TRICKS_DATA")
    assert IdxSource(OURS).root == Path("data")


def served(arrays: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(idx_bytes(array)) for name, array in arrays.items()}


def test_absent_files_are_downloaded_from_the_first_honest_mirror(serve, tmp_path, closed_mirrors):
    absent, foreign, honest = serve({}), serve(served(CLOTHES)), serve(served(DIGITS))
    ours = source(tmp_path, [closed_mirrors[0], absent.address, foreign.address, honest.address])
    ours.prepare()
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == sorted(f"{name}.gz" for name in FILES)
    assert_ours(ours)
    asked = len(honest.requests)
    ours.prepare()
    assert len(honest.requests) == asked, "what is there is not fetched again"


def test_wrapper_may_differ_but_content_may_not(serve, tmp_path):
    unpacked = {f"{name}.gz": idx_bytes(array) for name, array in DIGITS.items()}
    ours = source(tmp_path, [serve(unpacked).address])
    ours.prepare()
    assert_ours(ours)


def test_only_what_is_missing_is_downloaded(serve, tmp_path):
    put(tmp_path / "OURS/raw", DIGITS)
    (tmp_path / "OURS/raw" / f"{FILES[2]}.gz").unlink()
    put(tmp_path, CLOTHES)
    mirror = serve(served(DIGITS))
    ours = source(tmp_path, [mirror.address])
    ours.prepare()
    assert [path for method, path in mirror.requests if method == "GET"] == [f"/base/{FILES[2]}.gz"]
    assert_ours(ours)


def test_unreachable_mirrors_give_one_message_with_all_that_helps(tmp_path, closed_mirrors):
    put(tmp_path, CLOTHES)
    with pytest.raises(UserError, match=r"Our set's train-images-idx3-ubyte was not found") as raised:
        source(tmp_path, closed_mirrors).prepare()
    message = str(raised.value)
    for part in (str(tmp_path), *FILES, *closed_mirrors, "ConnectionError", "data=digits", "The other's"):
        assert part in message
    assert not (tmp_path / "ours").exists()


def test_mirrors_of_altered_content_leave_nothing_usable(serve, tmp_path):
    files = served(DIGITS) | {f"{FILES[1]}.gz": b"<html>"}
    with pytest.raises(UserError, match=rf"{FILES[1]} was not found(.|\n)*: served altered content"):
        source(tmp_path, [serve(files).address, serve({}).address]).prepare()
    assert os.listdir(tmp_path / "ours") == [f"{FILES[0]}.gz"], "the verified file stays, no part does"


@pytest.mark.parametrize("mirrors", [[], "http://127.0.0.1", ["ftp://127.0.0.1"], [None], 3])
def test_mirrors_are_a_list_of_addresses(tmp_path, mirrors):
    with pytest.raises(UserError, match=r"data\.mirrors must be a list of http\(s\) addresses; received"):
        source(tmp_path, mirrors)


def test_default_mirrors_are_the_editions(tmp_path, closed_mirrors):
    edition = replace(OURS, mirrors=tuple(closed_mirrors))
    with pytest.raises(UserError, match=closed_mirrors[1]):
        IdxSource(edition, tmp_path).prepare()
