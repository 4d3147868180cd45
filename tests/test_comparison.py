"""What a real multirun leaves when its jobs are done."""

import csv
from pathlib import Path

from PIL import Image

from lit_tricks.commandline.entry import main
from lit_tricks.comparison import compare

QUICK = ["data.train_size=200", "trainer.max_epochs=2", "model.hidden=[8]", "trainer.enable_progress_bar=false"]


def test_a_multirun_ends_with_one_table_and_one_picture(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    overrides = ["-m", *QUICK, f"hydra.sweep.dir={sweep}", "seed=0,1", "+experiment=baseline,dropout"]
    assert main(overrides) == 0
    rows = list(csv.DictReader((sweep / "comparison.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["group"], row["seed"], row["status"]) for row in rows] == [
        ("baseline", "0", "completed"),
        ("dropout", "0", "completed"),
        ("baseline", "1", "completed"),
        ("dropout", "1", "completed"),
    ]
    assert all(0 <= float(row["test/acc"]) <= 1 for row in rows)
    with Image.open(sweep / "comparison.png") as picture:
        assert min(picture.size) > 500
    assert list((sweep / "comparison").glob("**/events.out.tfevents.*"))


def test_a_failed_job_is_listed_with_its_reason(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    overrides = ["-m", *QUICK, f"hydra.sweep.dir={sweep}", "scheduler=none,plateau", "data.val_size=0"]
    assert main(overrides) == 2
    rows = list(csv.DictReader((sweep / "comparison.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["status"] for row in rows] == ["completed", "failed"]
    assert "needs validation" in rows[1]["reason"]


def test_a_folder_without_runs_is_left_alone(tmp_path: Path) -> None:
    compare(tmp_path)
    assert not list(tmp_path.iterdir())
