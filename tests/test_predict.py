"""Predictions of new files; that they agree with a run's own is tested with the runs."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lit_tricks import predict
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError


class Fixed(torch.nn.Module):
    """Takes its inputs for logits."""

    def __init__(self) -> None:
        super().__init__()
        self.objective = SimpleNamespace(probabilities=lambda logits: logits, probabilistic=True)
        self.spec = DataSpec(
            name="x",
            kind="table",
            input_shape=(3,),
            class_names=("a", "b", "c"),
            class_counts=(1, 1, 1),
            value_range=None,
            n_train=3,
            n_val=0,
            n_test=0,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def decide(self, probabilities: torch.Tensor) -> torch.Tensor:
        return probabilities.argmax(1)


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(predict, "restore", lambda *_: SimpleNamespace(module=Fixed()))
    return tmp_path / "new.npz"


def test_of_equal_probabilities_the_first_class_is_the_answer(inputs: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 3, (400, 3)).astype(np.float32) / 2
    np.savez(inputs, x=x)
    assert predict.predict_files("run", str(inputs), str(tmp_path / "out.csv"), batch_size=64) == 400
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert ["abc".index(row["class"]) for row in rows] == x.argmax(1).tolist()
    rest = x.copy()
    rest[np.arange(400), x.argmax(1)] = -1
    assert ["abc".index(row["second_class"]) for row in rows] == rest.argmax(1).tolist()
    assert [float(row["second_probability"]) for row in rows] == rest.max(1).tolist()


def test_a_file_that_appears_meanwhile_is_kept(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(inputs, x=np.eye(3, dtype=np.float32))
    read = predict.read_inputs

    def slow(*arguments: object) -> object:
        (tmp_path / "out.csv").write_text("of another process")
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(predict, "read_inputs", slow)
    with pytest.raises(UserError, match=r"never overwrites; .*out\.csv appeared meanwhile: choose another name"):
        predict.predict_files("run", str(inputs), str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text() == "of another process"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.npz", "out.csv"]
