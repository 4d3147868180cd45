import io
import json

import pytest
from rich.console import Console

from lit_tricks.report.tables import print_results

METRICS = {
    **{f"{split}/{name}": 0.5 for split in ("train", "val", "test") for name in ("loss", "acc", "balanced_acc")},
    "test/auroc": None,
    "test/loss": 1.23456,
}
ROW = {"precision": 0.25, "recall": None, "f1": 0.75, "support": 10, "auroc": 1.0}
ROW |= {"ap": 0.5, "specificity": 0.5, "ece": 0.5}


def printed(results, run_dir, width=80):
    stream = io.StringIO()
    print_results(results, run_dir, Console(file=stream, width=width))
    return stream.getvalue()


def results(classes):
    names = [f"[bold]class {k} with a rather long name" for k in range(classes)]
    return {"status": "completed", "metrics": METRICS, "per_class": {name: ROW for name in names}}


def test_shows_metrics_by_split_and_class(tmp_path):
    lines = [" ".join(line.split()) for line in printed(results(3), tmp_path).splitlines()]
    assert lines[0] == "training validation test"
    assert "loss 0.5000 0.5000 1.2346" in lines
    assert "AUROC - - -" in lines
    assert any(line.startswith("[bold]class 2") and line.endswith("10 0.2500 - 0.7500 1.0000") for line in lines)


def test_is_readable_at_eighty_columns_without_colours(tmp_path):
    text = printed(results(20), tmp_path)
    assert "\x1b" not in text
    table = [line for line in text.splitlines() if str(tmp_path) not in line]
    assert max(map(len, table)) <= 80


def test_more_than_twenty_classes_are_left_to_the_report(tmp_path):
    assert "class 19" in printed(results(20), tmp_path)
    assert "class 1" not in printed(results(21), tmp_path)


def test_splits_without_values_have_no_column(tmp_path):
    text = printed({"metrics": {"train/acc": 1.0, "test/acc": 0.5, "test/own_score": 0.25}}, tmp_path)
    assert "validation" not in text
    assert "own_score" in text


def test_tells_where_the_run_lies_and_how_to_see_its_curves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "my runs" / "2030-01-01"
    run.mkdir(parents=True)
    assert printed({}, run).splitlines()[-1] == "run     my runs/2030-01-01"
    (run / "val").mkdir()
    (run / "val" / "events.out.tfevents.1.host").touch()
    lines = printed({}, run).splitlines()
    assert lines[-2:] == ["run     my runs/2030-01-01", "curves  tensorboard --logdir 'my runs'"]
    (run / "report.html").touch()
    assert "report  my runs/2030-01-01/report.html" in printed({}, run).splitlines()
    monkeypatch.chdir(run)
    assert f"curves  tensorboard --logdir '{run.parent}'" in printed({}, run, width=30).splitlines()


@pytest.mark.parametrize(("status", "reason"), [("failed", "out of memory"), ("stopped", None)])
def test_a_run_that_did_not_complete_says_so_first(tmp_path, status, reason):
    first = printed({"status": status, "reason": reason}, tmp_path).splitlines()[0]
    assert first == f"{status}: {reason or 'no reason was recorded'}"


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"weights_epoch": 14, "checkpoint": "checkpoints/best.ckpt"}, "weights of epoch 14 (best)"),
        ({"checkpoint": "checkpoints/best.ckpt"}, "weights of the best epoch"),
        ({"weights_epoch": 20, "checkpoint": "checkpoints/last.ckpt"}, "weights of the last epoch"),
        ({"weights_epoch": 20, "checkpoint": None, "ended": "max_epochs"}, "weights of the last epoch"),
        (
            {"weights_epoch": 14, "checkpoint": "checkpoints/best.ckpt", "ended": "early stopping", "epochs": 17},
            "weights of epoch 14 (best); stopped early after epoch 17",
        ),
    ],
)
def test_says_which_weights_were_measured(tmp_path, facts, line):
    lines = printed({"metrics": METRICS, **facts}, tmp_path).splitlines()
    assert [each for each in lines if each.startswith("weights")] == [line]


def test_says_nothing_of_weights_that_were_not_measured(tmp_path):
    assert "weights of" not in printed({"metrics": METRICS}, tmp_path)
    assert "weights of" not in printed({"status": "failed", "checkpoint": "checkpoints/last.ckpt"}, tmp_path)


def diagnosed(run_dir, *diagnoses, checks=("majority_collapse", "overfitting")):
    content = {"diagnoses": diagnoses, "checks": checks}
    (run_dir / "diagnosis.json").write_text(json.dumps(content), encoding="utf-8")
    return [line for line in printed({}, run_dir, width=40).splitlines() if line.startswith("doctor")]


def test_each_diagnosis_is_one_line_with_its_prescription(tmp_path):
    finding = {
        "symptom": "overfitting",
        "severity": "warning",
        "layer": None,
        "evidence": "validation loss 0.8 after 0.6 [bold]",
        "cause": "a cause",
        "prescription": "+experiment=early_stopping",
    }
    long = {"symptom": "other", "severity": "critical", "evidence": "word " * 100, "prescription": ["a=b", "c=d"]}
    first, second, third = diagnosed(tmp_path, finding, long, "no mapping", {"symptom": "bare"})
    said = "overfitting: validation loss 0.8 after 0.6 [bold]: try +experiment=early_stopping"
    assert first == f"doctor: warning: {said}"
    assert second.startswith("doctor: critical: other: word word")
    assert second.endswith("word …: try a=b, c=d")
    assert len(second) < 200
    assert third == "doctor: note: bare"


def test_a_healthy_run_is_told_what_was_looked_for(tmp_path):
    assert printed({}, tmp_path).count("doctor") == 0
    assert diagnosed(tmp_path) == ["doctor: nothing found (checks: majority_collapse, overfitting)"]
    assert diagnosed(tmp_path, checks=()) == ["doctor: nothing found (checks: none)"]
