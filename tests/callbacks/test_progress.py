"""The progress lines: the figures beside an epoch's number are that epoch's."""

import csv
import re
from pathlib import Path

import pytest

from lit_tricks.commandline.entry import main


@pytest.mark.parametrize("stepping", ["auto", "single"])
def test_every_line_has_the_figures_of_its_own_epoch(
    stepping: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["data=moons", "trainer.max_epochs=4", "logger=none", "pictures=false", f"stepping={stepping}"]
    assert main([*words, "callbacks.progress_bar.plain_seconds=0", f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    lines = re.findall(r"epoch (\d)/4 \| loss ([\d.]+) \| acc ([\d.]+) \| val loss ([\d.]+)", capsys.readouterr().err)
    with open(tmp_path / "run" / "metrics.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["train/loss"]]
    names = ("train/loss", "train/acc", "val/loss")
    assert lines == [
        (str(number), *(f"{float(row[name]):.4f}" for name in names)) for number, row in enumerate(rows, start=1)
    ]


def test_lines_are_spared_but_for_the_first_and_the_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data=moons", "trainer.max_epochs=4", "logger=none", "pictures=false"]
    assert main([*words, "callbacks.progress_bar.plain_seconds=1000", f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    assert re.findall(r"epoch (\d)/4", capsys.readouterr().err) == ["1", "4"]
