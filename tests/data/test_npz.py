import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lit_tricks.data.npz import read_npz
from lit_tricks.errors import UserError


def member(header: dict, content: bytes = b"") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + content


def archive(folder: Path, **members: bytes) -> Path:
    path = folder / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_only_wanted_arrays_are_read(tmp_path: Path, save) -> None:  # type: ignore[no-untyped-def]
    arrays = {"x": np.arange(6.0).reshape(2, 3), "y": np.array(["a", "b"]), "z": np.array([{}], dtype=object)}
    save(tmp_path / "a.npz", **arrays)
    read = read_npz(tmp_path / "a.npz", ("x", "y", "absent"))
    assert list(read) == ["x", "y"]
    np.testing.assert_array_equal(read["x"], arrays["x"])
    np.testing.assert_array_equal(read["y"], arrays["y"])


@pytest.mark.parametrize(
    "array", [np.arange(6, dtype=">i4").reshape(2, 3), np.asfortranarray(np.eye(3)), np.zeros((0, 2)), np.array(3)]
)
def test_any_layout_becomes_native(tmp_path: Path, array: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", x=array)
    read = read_npz(tmp_path / "a.npz", ("x",))["x"]
    np.testing.assert_array_equal(read, array)
    assert read.dtype.isnative


@pytest.mark.parametrize(
    "array",
    [np.array([{}], dtype=object), np.array([1j]), np.zeros(2, dtype=[("a", "i4")]), np.array([np.datetime64(1, "D")])],
)
def test_objects_and_exotic_types_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", x=array)
    with pytest.raises(UserError, match=r"must hold numbers or strings; x of .*a\.npz has dtype"):
        read_npz(tmp_path / "a.npz", ("x",))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path(tmp_path, "exploded").touch, ())

    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    with pytest.raises(UserError, match="dtype object"):
        read_npz(archive(tmp_path, x=member(header, pickle.dumps(Bomb()))), ("x",))
    with pytest.raises(UserError, match=r"must be a complete \.npz archive"):
        read_npz(archive(tmp_path, x=pickle.dumps(Bomb())), ("x",))
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("shape", [(2**40,), (2**31, 2**31), (1,), (3,)])
def test_an_announced_size_that_is_not_there_allocates_nothing(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = archive(tmp_path, x=member({"descr": "<f8", "fortran_order": False, "shape": shape}, bytes(16)))
    with pytest.raises(UserError, match=r"bytes, and holds 16: write it again|must fit into"):
        read_npz(path, ("x",))


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lit_tricks.data.files.MAX_BYTES", 10**6)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(60_000), y=np.zeros(70_000))
    assert read_npz(tmp_path / "a.npz", ("x",))["x"].shape == (60_000,)
    with pytest.raises(UserError, match=r"must fit into .*a\.npz needs"):
        read_npz(tmp_path / "a.npz", ("x", "y"))


def test_every_cut_and_every_flipped_byte_is_a_user_error_or_harmless(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(4, dtype=np.int16), y=np.array(["a"]))
    whole = (tmp_path / "a.npz").read_bytes()
    path = tmp_path / "b.npz"
    broken = [whole[:end] for end in range(0, len(whole), 7)]
    broken += [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(len(whole))]
    messages = []
    for content in broken:
        path.write_bytes(content)
        try:
            read_npz(path, ("x", "y"))
        except UserError as error:
            messages.append(str(error))
    assert all("b.npz" in message for message in messages)
    assert len(messages) > len(broken) // 2


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"a\.npy must be a complete \.npz archive; File is not a zip file"):
        read_npz(tmp_path / "a.npy", ("x",))
