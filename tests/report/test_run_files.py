import math

from lit_tricks.report.run_files import read_config, read_json, read_metrics


def test_rows_with_missing_torn_and_infinite_values(tmp_path):
    (tmp_path / "metrics.csv").write_text("epoch,step,train/loss,lr\n0,9,0.25,\n1,19,nan,0.1\n2,2", encoding="utf-8")
    rows = read_metrics(tmp_path)
    assert rows[0] == {"epoch": 0.0, "step": 9.0, "train/loss": 0.25, "lr": None}
    assert math.isnan(rows[1]["train/loss"])
    assert rows[2] == {"epoch": 2.0, "step": 2.0, "train/loss": None, "lr": None}


def test_absent_and_damaged_files_are_empty(tmp_path):
    assert read_metrics(tmp_path) == []
    assert read_config(tmp_path) == {}
    assert read_json(tmp_path / "results.json") == {}
    (tmp_path / "results.json").write_text('{"status": "comp', encoding="utf-8")
    (tmp_path / "config.yaml").write_text("a: [1", encoding="utf-8")
    assert read_json(tmp_path / "results.json") == {}
    assert read_config(tmp_path) == {}
    (tmp_path / "results.json").write_text("[1]", encoding="utf-8")
    assert read_json(tmp_path / "results.json") == {}
