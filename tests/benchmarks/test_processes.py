import sys

import pytest

from benchmarks.speed.environment import environment, in_words
from benchmarks.speed.processes import run

MEGABYTE = 2**20


def test_a_process_is_timed_and_its_memory_seen() -> None:
    code = "import time; held = b'x' * (100 * 2**20); time.sleep(0.2); print('one'); print('two')"
    found = run(["-c", code])
    assert found.output == "one\ntwo\n"
    assert 0.2 < found.seconds < 30
    if sys.platform == "linux":
        assert 100 * MEGABYTE < found.peak_bytes < 300 * MEGABYTE
        assert 100 * MEGABYTE < found.peak_anonymous_bytes < 300 * MEGABYTE


def test_computes_on_one_thread_and_with_the_given_environment() -> None:
    code = "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['MINE'])"
    assert run(["-c", code], {"MINE": "2"}).output == "1 2\n"


def test_a_failure_tells_the_last_line() -> None:
    with pytest.raises(RuntimeError, match="exit code 1: ValueError: no such thing"):
        run(["-c", "raise ValueError('no such thing')"])
    assert run(["-c", "raise SystemExit(2)"], expected=2).output == ""


def test_circumstances_name_machine_and_versions() -> None:
    words = in_words(environment())
    assert "cores" in words
    assert "torch 2" in words
    assert words.endswith(".")
