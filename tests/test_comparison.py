"""What a real multirun leaves when its jobs are done."""

import csv
import json
from html import escape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import t, ttest_rel

from lit_tricks.commandline.entry import main
from lit_tricks.comparison import compare

QUICK = ["data.train_size=200", "trainer.max_epochs=2", "model.hidden=[8]", "trainer.enable_progress_bar=false"]


def test_a_multirun_ends_with_one_table_and_one_picture(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
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
    assert {path.suffix for path in sweep.glob("comparison.*")} == {".csv", ".json", ".md", ".tex", ".html", ".png"}
    said = capfd.readouterr().out
    assert "jobs: 3 done, 0 failed, 0 running, 1 waiting; about " in said
    assert f"page    {sweep / 'comparison.html'}" in said
    named = {place.name for place in (sweep / "tensorboard").iterdir()}
    assert named == {"comparison", *(f"{word}, seed={seed}" for word in ("baseline", "dropout") for seed in (0, 1))}
    agrees_with_scipy(sweep, said)


def agrees_with_scipy(sweep: Path, said: str) -> None:
    """Recompute the comparison from the runs' own files and find it in the sentence, the table and the page."""
    accuracies: dict[str, list[float]] = {}
    for number in range(4):
        results = json.loads((sweep / str(number) / "results.json").read_text(encoding="utf-8"))
        accuracies.setdefault(results["experiment"][0], []).append(results["metrics"]["test/acc"])
    differences = np.subtract(accuracies["dropout"], accuracies["baseline"])
    low, high = t.interval(0.95, 1, differences.mean(), differences.std(ddof=1) / np.sqrt(2))
    p = ttest_rel(accuracies["dropout"], accuracies["baseline"]).pvalue
    figures = f"{100 * differences.mean():+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]"
    page = (sweep / "comparison.html").read_text(encoding="utf-8")
    sentence = next(line for line in said.splitlines() if line.startswith("Against baseline with "))
    assert f"{np.mean(accuracies['baseline']):.2%} test accuracy (2 runs" in sentence
    assert figures in sentence
    assert escape(sentence) in page
    told = json.loads((sweep / "comparison.json").read_text(encoding="utf-8"))["comparisons"][0]
    assert told["answer"] == sentence
    effect = told["groups"][1]["effect"]
    found = [effect["difference"][key] for key in ("mean", "low", "high")]
    assert found == pytest.approx([differences.mean(), low, high])
    assert effect["p_holm"] == effect["tests"]["p_t"] == pytest.approx(p)
    assert f'data-order="{p:.10g}"' in page


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


PAIRS = [*QUICK, "pictures=false", "logger=none", "stepping=single"]
SPY = """
import hashlib
import json
from pathlib import Path

import pytorch_lightning as pl


class Spy(pl.Callback):
    def __init__(self, run_dir):
        self.place = Path(run_dir) / "seen.json"
        self.batches = hashlib.sha256()

    def on_train_start(self, trainer, module):
        weights = hashlib.sha256()
        for value in module.network.state_dict().values():
            weights.update(value.numpy().tobytes())
        self.weights = weights.hexdigest()

    def on_train_batch_start(self, trainer, module, batch, index):
        for part in batch[:2]:
            self.batches.update(part.cpu().numpy().tobytes())

    def on_train_end(self, trainer, module):
        found = {"weights": self.weights, "batches": self.batches.hexdigest()}
        self.place.write_text(json.dumps(found))
"""


def test_runs_with_one_seed_share_split_initial_weights_and_order_of_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What makes pairs of runs pairs, for words that leave network and data alone."""
    (tmp_path / "pair_spy.py").write_text(SPY, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    spied = ["+callbacks.spy._target_=pair_spy.Spy", "+callbacks.spy.run_dir=${hydra:runtime.output_dir}"]
    words = ["+experiment=[baseline],[dropout],[l2,label_smoothing]", "seed=3,4"]
    sweep = tmp_path / "sweep"
    assert main(["-m", *PAIRS, *spied, "allow_targets=[pair_spy]", f"hydra.sweep.dir={sweep}", *words]) == 0
    seen: dict[int, list[dict[str, str]]] = {}
    targets: dict[int, list[bytes]] = {}
    for number in range(6):
        seed = json.loads((sweep / str(number) / "results.json").read_text(encoding="utf-8"))["seed"]
        seen.setdefault(seed, []).append(json.loads((sweep / str(number) / "seen.json").read_text(encoding="utf-8")))
        with np.load(sweep / str(number) / "predictions.npz") as kept:
            targets.setdefault(seed, []).append(kept["targets"].tobytes())
    for seed in (3, 4):
        assert len(seen[seed]) == 3
        assert all(each == seen[seed][0] for each in seen[seed])
        assert len(set(targets[seed])) == 1
    assert seen[3][0]["weights"] != seen[4][0]["weights"]
    assert seen[3][0]["batches"] != seen[4][0]["batches"]
