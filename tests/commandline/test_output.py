"""A run whose output is piped into a reader that leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lit_tricks.commandline.output import outliving_its_reader

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_run_outlives_the_reader_of_its_output(tmp_path: Path) -> None:
    words = ["data=moons", "trainer.max_epochs=1", "logger=none", "pictures=false", f"hydra.run.dir={tmp_path / 'run'}"]
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "train.py"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert b"BrokenPipe" not in errors
    assert json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))["status"] == "completed"


def test_output_that_is_read_arrives_and_the_stream_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    with outliving_its_reader():
        print("told", flush=True)
        assert sys.stdout.encoding == before.encoding
    assert sys.stdout is before
    assert capsys.readouterr().out == "told\n"


def test_other_errors_of_the_stream_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, text: str) -> int:
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(OSError, match="No space"), outliving_its_reader():
        sys.stdout.write("told")
