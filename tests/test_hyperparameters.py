"""What a finished run hands its loggers as that by which it differs from others."""

from pathlib import Path
from typing import Any

import pytest

from lit_tricks import conclusion
from lit_tricks.commandline.entry import main


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Collect the hyperparameters of a run while they pass on."""
    seen: dict[str, Any] = {}
    publish = conclusion.publish

    def passing(directory: Any, loggers: Any, drawn: Any, hyperparameters: dict[str, Any], *rest: Any) -> None:
        seen.update(hyperparameters)
        publish(directory, loggers, drawn, hyperparameters, *rest)

    monkeypatch.setattr(conclusion, "publish", passing)
    return seen


def run(folder: Path, *arguments: str) -> None:
    assert main([*arguments, "data=moons", "imbalance=two_class", "pictures=false", f"hydra.run.dir={folder}"]) == 0


def test_a_mapping_by_class_number_is_named_by_it(published: dict[str, Any], tmp_path: Path) -> None:
    strategy = "sampler.resampler.sampling_strategy"
    run(tmp_path / "run", "sampler=oversample", f"{strategy}={{0:450,1:90}}", "trainer.max_epochs=1")
    assert (published[f"{strategy}.0"], published[f"{strategy}.1"]) == (450, 90)
    assert published["sampler"] == "oversample"


def test_a_classical_run_keeps_its_imbalance_and_no_word_for_training(
    published: dict[str, Any], tmp_path: Path
) -> None:
    run(tmp_path / "run", "model=logistic_regression", "imbalance.share=0.2")
    assert (published["imbalance"], published["imbalance.share"]) == ("two_class", 0.2)
    assert {name.partition(".")[0] for name in published} == {"seed", "experiment", "data", "imbalance", "model"}
