import io
import pickle
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lit_tricks.data.npy import as_tensor, map_npy
from lit_tricks.errors import UserError


def save(folder: Path, array: np.ndarray) -> Path:
    np.save(folder / "x.npy", array)
    return folder / "x.npy"


def written(folder: Path, header: dict, content: bytes = b"", version: tuple[int, int] = (1, 0)) -> Path:
    stream = io.BytesIO()
    write = np.lib.format.write_array_header_1_0 if version == (1, 0) else np.lib.format.write_array_header_2_0
    write(stream, header)
    (folder / "x.npy").write_bytes(stream.getvalue() + content)
    return folder / "x.npy"


@pytest.mark.parametrize(
    "array",
    [np.arange(6, dtype=np.uint8).reshape(2, 3), np.eye(3), np.array(["a", "bc"]), np.zeros((0, 2)), np.array([True])],
)
def test_an_array_is_mapped_as_it_is(tmp_path: Path, array: np.ndarray) -> None:
    mapped = map_npy(save(tmp_path, array))
    np.testing.assert_array_equal(mapped, array)
    assert (mapped.dtype, mapped.shape) == (array.dtype, array.shape)
    assert isinstance(mapped, np.memmap) == bool(array.size)


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_headers_of_every_version_are_read(tmp_path: Path, version: tuple[int, int]) -> None:
    path = written(tmp_path, {"descr": "<i2", "fortran_order": False, "shape": (2,)}, b"\1\0\2\0", version)
    assert map_npy(path).tolist() == [1, 2]
    content = bytearray(path.read_bytes())
    content[6] = 9
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"must be a \.npy file; version \(9, 0\) of the format is unknown"):
        map_npy(path)


def test_a_column_is_row_by_row_whatever_its_header_says(tmp_path: Path) -> None:
    path = written(tmp_path, {"descr": "|u1", "fortran_order": True, "shape": (3, 1)}, b"abc")
    assert map_npy(path).tolist() == [[97], [98], [99]]


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.asfortranarray(np.eye(3)), "float64, column by column"),
        (np.zeros((2, 2), dtype=">f4"), ">f4, row by row"),
        (np.zeros((2, 2), dtype=np.longdouble), r"float\d+, row by row"),
    ],
)
def test_what_no_tensor_can_lie_over_is_refused_with_the_remedy(tmp_path: Path, array: np.ndarray, found: str) -> None:
    if found.startswith(r"float\d") and array.dtype.itemsize == 8:
        pytest.skip("long double is float64 here")
    message = rf"must lie row by row, .*x\.npy holds {found}: write it again with numpy\.save\(file, numpy\.asc"
    with pytest.raises(UserError, match=message):
        map_npy(save(tmp_path, array))


@pytest.mark.parametrize("array", [np.array([{}], dtype=object), np.array([1j]), np.zeros(2, dtype=[("a", "i4")])])
def test_objects_and_exotic_types_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"must hold numbers or strings; x of .* has dtype"):
        map_npy(save(tmp_path, array))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path(tmp_path, "exploded").touch, ())

    content = pickle.dumps(Bomb())
    for path in (
        written(tmp_path, {"descr": "|O", "fortran_order": False, "shape": (1,)}, content),
        written(tmp_path, {"descr": "|u1", "fortran_order": False, "shape": (len(content),)}, content),
    ):
        if b"|O" in path.read_bytes():
            with pytest.raises(UserError, match="dtype object"):
                map_npy(path)
        else:
            assert map_npy(path).tobytes() == content
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"must be a \.npy file"):
        map_npy(tmp_path / "x.npy")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("shape", [(2**40,), (2**31, 2**31), (15,), (17,)])
def test_a_size_that_is_not_there_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = written(tmp_path, {"descr": "|u1", "fortran_order": False, "shape": shape}, bytes(16))
    with pytest.raises(UserError, match=r"must be a complete \.npy file; it announces shape .* and holds 16"):
        map_npy(path)


def test_negative_sizes_and_endless_headers_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"descr": "|u1", "fortran_order": False, "shape": (-4, -4)}, bytes(16))
    with pytest.raises(UserError, match=r"it announces shape \(-4, -4\)"):
        map_npy(path)
    path = written(tmp_path, {"descr": "|u1", "fortran_order": False, "shape": (1,) * 20_000}, bytes(1))
    with pytest.raises(UserError, match=r"Header info length .* is large"):
        map_npy(path)


def test_every_cut_and_every_flipped_byte_is_a_user_error_or_harmless(tmp_path: Path) -> None:
    whole = save(tmp_path, np.arange(4, dtype=np.int16)).read_bytes()
    path = tmp_path / "b.npy"
    broken = [whole[:end] for end in range(0, len(whole), 3)]
    broken += [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(len(whole))]
    messages = []
    for content in broken:
        path.write_bytes(content)
        try:
            map_npy(path)
        except UserError as error:
            messages.append(str(error))
    assert all("b.npy" in message for message in messages)
    assert len(messages) > len(broken) // 2


def test_an_array_larger_than_memory_is_mapped_and_gathered_from(tmp_path: Path) -> None:
    rows = 2**41 // 784
    path = written(tmp_path, {"descr": "|u1", "fortran_order": False, "shape": (rows, 28, 28)})
    offset = path.stat().st_size
    try:
        with path.open("r+b") as file:
            file.truncate(offset + rows * 784)
            file.seek(offset + (rows - 1) * 784)
            file.write(b"\7" * 784)
    except OSError:
        pytest.skip("this file system has no files of 2 TB with holes")
    tensor = as_tensor(map_npy(path))
    assert int(tensor.index_select(0, torch.tensor([rows - 1, 0])).sum()) == 7 * 784
    path.unlink()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert used < rows * 784 / 100
