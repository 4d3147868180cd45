import base64
import json
import re
from html.parser import HTMLParser

import pytest
import yaml

from lit_tricks.report.figures import confusion_matrix, save_figure
from lit_tricks.report.run_page import write_run_report

RESULTS = {
    "status": "completed",
    "metrics": {"train/acc": 1.0, "val/acc": 0.9, "test/acc": 0.9722, "test/loss": 0.00004, "test/auroc": None},
    "per_class": {"zero": {"precision": 1.0, "recall": 0.5, "f1": 0.6667, "support": 1234, "auroc": None}},
    "confusion_matrix": [[200, 4], [6, 150]],
    "n_params": 23860,
    "epochs": 20,
    "steps": 900,
    "seed": 0,
    "overrides": ["data=digits", "+experiment=[dropout,l2]", "data_dir=../my data"],
    "experiment": ["dropout", "l2"],
    "seconds": {"fit": 12.5},
    "versions": {"torch": "2.13.0"},
}
CONFIG = {"data": {"_target_": "lit_tricks.data.DigitsDataModule"}, "model": {"_target_": "lit_tricks.models.MLP"}}
NASTY = '<script>alert("x")</script>&amp; $body'


class Reader(HTMLParser):
    """Checks that tags close in order and keeps text, tags and attributes."""

    def __init__(self, document):
        super().__init__()
        self.open, self.tags, self.words, self.links = [], [], [], []
        self.feed(document)
        self.close()
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)


@pytest.fixture
def run_dir(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(RESULTS), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    (tmp_path / "diagnosis.json").write_text('{"diagnoses": [], "checks": ["a", "b"]}', encoding="utf-8")
    save_figure(confusion_matrix([[2, 1], [0, 3]], ["a", "b"]), tmp_path / "figures" / "confusion_matrix.png")
    return tmp_path


def read(run_dir):
    document = write_run_report(run_dir).read_text(encoding="utf-8")
    reader = Reader(document)
    assert reader.open == []
    return document, reader


def test_says_what_came_out_in_the_first_sentence(run_dir):
    document, _ = read(run_dir)
    sentence = "97.22% of 360 test examples right: digits with MLP, dropout, l2, seed 0"
    assert f"<title>{sentence}</title>" in document
    assert f"<h1>{sentence}</h1>" in document


def test_holds_results_classes_diagnosis_and_the_command(run_dir):
    _, reader = read(run_dir)
    assert "accuracy 1.0000 0.9000 0.9722" in reader.text
    assert "loss - - 4.0e-05" in reader.text
    assert "zero 1,234 1.0000 0.5000 0.6667 -" in reader.text
    assert "20 epochs · 900 steps · 23,860 parameters · trained in 12.5 s" in reader.text
    assert "Nothing suspicious was found (checks: a, b)." in reader.text
    assert "Measured with" not in reader.text
    assert "python train.py data=digits '+experiment=[dropout,l2]' 'data_dir=../my data'" in reader.text
    assert "_target_: lit_tricks.models.MLP" in reader.text
    assert "torch 2.13.0" in reader.text


def test_loads_nothing(run_dir):
    document, reader = read(run_dir)
    assert "http" not in document.replace("http-equiv", "")
    assert "url(" not in document
    (source,) = reader.links
    content = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    assert content == (run_dir / "figures" / "confusion_matrix.png").read_bytes()
    assert list(run_dir.glob(".report*")) == []


def test_every_string_of_the_run_is_escaped(run_dir):
    diagnosis = {key: NASTY for key in ("symptom", "severity", "layer", "evidence", "cause", "prescription")}
    results = {
        **RESULTS,
        "status": NASTY,
        "reason": NASTY,
        "per_class": {NASTY: RESULTS["per_class"]["zero"]},
        "metrics": {**RESULTS["metrics"], f"test/{NASTY}": 1.0},
        "overrides": [NASTY],
        "experiment": [NASTY],
        "versions": {NASTY: NASTY},
        "seconds": {NASTY: NASTY},
        "seed": NASTY,
    }
    (run_dir / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (run_dir / "config.yaml").write_text(yaml.safe_dump({"model": {"_target_": NASTY}}), encoding="utf-8")
    (run_dir / "diagnosis.json").write_text(json.dumps({"diagnoses": [diagnosis]}), encoding="utf-8")
    figure = run_dir / "figures" / "confusion_matrix.png"
    figure.rename(figure.with_name('"><script>.png'))
    document, reader = read(run_dir)
    assert "script" not in reader.tags
    assert reader.text.count(NASTY) >= 15
    assert not re.search(
        r"<(?!/?(?:section|h1|h2|p|div|dl|dt|dd|table|thead|tbody|tr|th|td|pre|figure|figcaption|img|"
        r"strong|html|head|body|title|style|meta|!doctype)\b)[a-z!]",
        document,
    )


@pytest.mark.parametrize("prescription", ["sampler=balanced", ["sampler=balanced"], {"word": "sampler=balanced"}])
def test_diagnoses_are_told_with_their_prescription(run_dir, prescription):
    diagnosis = {"symptom": "majority", "severity": "critical", "layer": None, "evidence": "recall 0", "cause": "rare"}
    content = {"diagnoses": [{**diagnosis, "prescription": prescription}, "no mapping"], "checks": []}
    (run_dir / "diagnosis.json").write_text(json.dumps(content), encoding="utf-8")
    document, reader = read(run_dir)
    assert "critical: majority evidence recall 0 cause rare prescription" in reader.text
    assert "sampler=balanced" in reader.text
    assert 'class="finding critical"' in document


def test_without_a_test_split_the_classes_are_those_of_validation(run_dir):
    results = {**RESULTS, "metrics": {"train/acc": 1.0, "val/acc": 0.9}, "data": {"name": "my table"}, "overrides": []}
    (run_dir / "results.json").write_text(json.dumps(results), encoding="utf-8")
    _, reader = read(run_dir)
    assert "Classes of the validation split" in reader.text
    assert "The run has no test result: my table with MLP" in reader.text


def test_the_page_has_every_rate_of_a_class(run_dir):
    rates = {"precision": 1.0, "recall": 0.5, "f1": 0.6667, "support": 1234, "auroc": 0.91}
    rates |= {"ap": 0.8125, "specificity": 0.99, "ece": 0.0625}
    (run_dir / "results.json").write_text(json.dumps({**RESULTS, "per_class": {"zero": rates}}), encoding="utf-8")
    _, reader = read(run_dir)
    head = "class examples precision recall F1 AUROC average precision specificity ECE"
    assert f"{head} zero 1,234 1.0000 0.5000 0.6667 0.9100 0.8125 0.9900 0.0625" in reader.text


def test_an_empty_directory_still_gives_a_page(tmp_path):
    _, reader = read(tmp_path)
    for said in (
        "No results were found",
        "results.json is absent or unreadable.",
        "No metrics were recorded.",
        "No diagnosis was made.",
        "No figures were drawn.",
        "config.yaml is absent.",
    ):
        assert said in reader.text


def test_a_failed_run_says_why_and_how_far_it_came(run_dir):
    results = {"status": "failed", "reason": "UserError: the loss is nan", "overrides": ["data=mnist"], "seed": 3}
    (run_dir / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (run_dir / "metrics.csv").write_text("epoch,step,train/loss\n0,1,2.0\n1,2,nan\n", encoding="utf-8")
    (run_dir / "figures" / "confusion_matrix.png").write_bytes(b"torn")
    _, reader = read(run_dir)
    assert "The run failed: mnist with MLP, seed 3" in reader.text
    assert "failed: UserError: the loss is nan" in reader.text
    assert "2 epochs in metrics.csv" in reader.text
    assert "confusion_matrix.png is no readable picture." in reader.text


@pytest.mark.parametrize("value", [None, 1, "text", [], [None], {"a": None}])
def test_content_of_another_shape_is_survived(run_dir, value):
    results = {key: value for key in RESULTS}
    (run_dir / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (run_dir / "diagnosis.json").write_text(json.dumps({"diagnoses": value, "checks": value}), encoding="utf-8")
    read(run_dir)


def test_the_resume_override_is_no_part_of_the_command(run_dir):
    results = {**RESULTS, "overrides": ["seed=1", "resume=runs/a"]}
    (run_dir / "results.json").write_text(json.dumps(results), encoding="utf-8")
    _, reader = read(run_dir)
    assert "python train.py seed=1 Made with" in reader.text


def test_the_words_a_run_recorded_win(run_dir):
    results = {**RESULTS, "words": {"data": "digits", "model": "cnn"}, "overrides": []}
    (run_dir / "results.json").write_text(json.dumps(results), encoding="utf-8")
    _, reader = read(run_dir)
    assert "digits with cnn" in reader.text


def test_users_data_goes_by_its_own_name(run_dir):
    results = {**RESULTS, "words": {"data": "csv", "model": "mlp"}, "data": {"name": "mammography"}}
    (run_dir / "results.json").write_text(json.dumps(results), encoding="utf-8")
    assert "test examples right: mammography with mlp" in read(run_dir)[1].text


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"a": 80, "b": 20}, "97.22% of 360 test examples right, balanced accuracy 61.50%: "),
        ({"a": 79, "b": 21}, "97.22% of 360 test examples right: "),
        ({"a": None}, "97.22% of 360 test examples right: "),
    ],
)
def test_a_large_majority_brings_balanced_accuracy_into_the_first_sentence(run_dir, counts, said):
    metrics = {**RESULTS["metrics"], "test/balanced_acc": 0.615}
    results = {**RESULTS, "metrics": metrics, "data": {"name": "mammography", "class_counts": counts}}
    (run_dir / "results.json").write_text(json.dumps(results), encoding="utf-8")
    assert said in read(run_dir)[1].text


def test_says_which_weights_were_measured_and_how_to_see_the_curves(run_dir, monkeypatch):
    facts = {"weights_epoch": 14, "checkpoint": "checkpoints/best.ckpt", "ended": "early stopping", "epochs": 17}
    (run_dir / "results.json").write_text(json.dumps(RESULTS | facts), encoding="utf-8")
    _, reader = read(run_dir)
    assert "Measured with the weights of epoch 14 (best); stopped early after epoch 17." in reader.text
    assert "tensorboard" not in reader.text
    (run_dir / "events.out.tfevents.1.host").touch()
    monkeypatch.chdir(run_dir.parent.parent)
    assert f"tensorboard --logdir {run_dir.parent.name}" in read(run_dir)[1].text


def test_says_how_far_the_accuracy_is_known(run_dir):
    _, reader = read(run_dir)
    # 350 of 360 right: the normal approximation is 97.22% ± 1.70
    told = re.search(r"On 360 test examples the accuracy of this model is known to ([\d.]+)% to ([\d.]+)%", reader.text)
    assert [float(end) for end in told.groups()] == pytest.approx([95.52, 98.92], abs=0.3)
    (run_dir / "results.json").write_text(
        json.dumps(RESULTS | {"confusion_matrix": [[0, 0], [0, 0]]}), encoding="utf-8"
    )
    assert "is known to" not in read(run_dir)[1].text


def test_a_classifier_that_has_no_epochs_was_measured_with_no_epoch_s_weights(run_dir):
    facts = {"estimator": "SVC", "checkpoint": "checkpoints/model.skops", "epochs": None, "steps": None}
    (run_dir / "results.json").write_text(json.dumps(RESULTS | facts), encoding="utf-8")
    _, reader = read(run_dir)
    assert "Measured with" not in reader.text
    assert "23,860 parameters · trained in 12.5 s" in reader.text
    assert "epochs ·" not in reader.text
