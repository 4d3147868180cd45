"""A run on two classes is judged by the average precision of its rarer class, whichever number that has."""

import json
from pathlib import Path

import pytest

from lit_tricks.commandline.entry import main
from lit_tricks.evaluate import evaluate_run


def test_the_lecture_of_always_no_is_not_praised_for_the_frequent_class(tmp_path: Path) -> None:
    arguments = ["+experiment=lecture/g1_always_no", "logger=none", "pictures=false"]
    assert main([*arguments, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    rare, frequent = (results["per_class"][name] for name in ("malignant", "benign"))
    assert results["metrics"]["test/ap"] == rare["ap"] == pytest.approx(rare["support"] / 79)
    assert frequent["ap"] > 0.85
    tested = {name: value for name, value in results["metrics"].items() if name.startswith("test/")}
    assert evaluate_run(str(tmp_path / "run")) == tested
