from pathlib import Path

import pytest

from lit_tricks.data import files
from lit_tricks.data.files import check_bytes, require_file, require_folder
from lit_tricks.errors import UserError


def test_good_paths_come_back(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x")
    assert require_file(str(file), "data.path", "data=csv") == file
    assert require_folder(tmp_path, "data.path", "data=csv") == tmp_path


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_no_path(nothing: str | None) -> None:
    with pytest.raises(UserError, match=r"data=csv needs data\.path=FILE; received none"):
        require_file(nothing, "data.path", "data=csv")
    with pytest.raises(UserError, match=r"data=csv needs data\.path=FOLDER; received none"):
        require_folder(nothing, "data.path", "data=csv")


def test_wrong_paths(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(UserError, match=r"must exist; received .*nowhere"):
        require_file(tmp_path / "nowhere", "data.path", "data=csv")
    with pytest.raises(UserError, match="received the folder"):
        require_file(tmp_path, "data.path", "data=csv")
    with pytest.raises(UserError, match="which is empty"):
        require_file(tmp_path / "empty", "data.path", "data=csv")
    with pytest.raises(UserError, match="must be a folder; received the file"):
        require_folder(tmp_path / "empty", "data.path", "data=csv")


def test_the_limit_is_inclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 2**30)
    check_bytes(2**30, "x", "r")
    with pytest.raises(UserError, match="must fit into 1 GiB of memory; a npz needs 3 GiB: shrink it"):
        check_bytes(3 * 2**30, "a npz", "shrink it")
