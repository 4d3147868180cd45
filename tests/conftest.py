"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_runtest_setup() -> None:
    # Networks as small as the tests' lose more to thread hand-over than they gain; a run may have left more threads.
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Return the folder with the real data sets; skip where it is absent."""
    candidates = [os.environ.get("LIT_TRICKS_DATA"), REPOSITORY / "data", REPOSITORY.parent / "shared" / "data"]
    for candidate in candidates:
        if candidate and (Path(candidate) / "mnist").is_dir():
            return Path(candidate).resolve()
    pytest.skip("MNIST was not found: point LIT_TRICKS_DATA at a folder that holds mnist/ and fashion_mnist/")
