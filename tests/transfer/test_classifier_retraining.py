"""The second stage keeps the first one's features to the bit, learns a new output layer, and finds the rare classes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lit_tricks.commandline.entry import main

WORDS = [
    "imbalance=long_tail", "imbalance.factor=50", "model.hidden=[32]", "model.norm=batch", "logger=none", "trainer=cpu",
    "trainer.enable_progress_bar=false", "pictures=false",
]  # fmt: skip
SECOND = ["+experiment=deferred/classifier_retraining", "optimizer.lr=0.01"]


def train(folder: Path, *words: str) -> Path:
    assert main([*WORDS, *words, f"hydra.run.dir={folder}"]) == 0
    return folder


def network(folder: Path) -> dict[str, Tensor]:
    state = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return {name: tensor for name, tensor in state.items() if name.startswith("network.")}


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("first") / "run", "trainer.max_epochs=8")


@pytest.fixture(scope="module")
def second(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("second") / "run", *SECOND, f"transfer.source='{first}'")


def test_only_the_output_layer_is_another(first: Path, second: Path) -> None:
    before, after = network(first), network(second)
    output = list(before)[-1].rpartition(".")[0]
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]) == (not name.startswith(f"{output}.")), name
    assert results(second)["transfer"]["new"] == [output.removeprefix("network.")]


def test_rare_classes_are_found_without_new_features(first: Path, second: Path) -> None:
    before, after = results(first), results(second)
    gain = after["metrics"]["test/balanced_acc"] - before["metrics"]["test/balanced_acc"]
    assert gain > 0.05
    rare = list(before["per_class"])[-3:]
    assert all(after["per_class"][name]["recall"] >= before["per_class"][name]["recall"] for name in rare)


def test_the_second_stage_resumes_bit_for_bit(first: Path, second: Path, tmp_path: Path) -> None:
    part = train(tmp_path / "part", *SECOND, f"transfer.source='{first}'", "trainer.max_epochs=4")
    assert main([f"resume={part}", "trainer.max_epochs=10"]) == 0
    whole, resumed = network(second), network(tmp_path / "part-continued")
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())
