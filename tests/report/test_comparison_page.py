"""The page of a comparison: what it says, that data stay text, and how large and slow it may become."""

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from leaving_runs import CLASSES, leave, leave_predictions

from lit_tricks.report.changed_answers import changed_answers, changed_galleries, changed_rows
from lit_tricks.report.comparable import compare_runs
from lit_tricks.report.comparison_page import comparison_page
from lit_tricks.report.forest import forest_plot
from lit_tricks.report.joint_confusion import joint_confusion
from lit_tricks.report.kept_mistakes import KeptMistakes
from lit_tricks.report.one_test_set import mcnemar
from lit_tricks.report.runs import find_runs
from lit_tricks.report.sweep_axes import parallel_coordinates, slices, swept_settings

NASTY = "<script>alert('x')</script>&\"'"


def arrays(**content: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **content)
    return buffer.getvalue()


def two_groups(folder: Path, word: str = "dropout") -> Path:
    for group, base in (("baseline", 0.9), (word, 0.92)):
        for seed in range(3):
            rate = {"model": {"dropout": float(group == word)}}
            overrides = [f"+experiment=[{group}]", f"seed={seed}"]
            place = folder / f"{group[:3]}{seed}".replace("<", "_")
            leave(place, overrides, base + seed * (1 + base) / 100, config=rate)
    return folder


def text_of(document: str) -> str:
    body = re.sub(r"<(style|script)[^>]*>.*?</\1>", "", document, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def page_of(folder: Path) -> str:
    runs = find_runs([folder])
    return comparison_page(compare_runs(runs), runs)


def test_the_page_has_the_answer_first_and_all_parts(tmp_path: Path) -> None:
    folder = two_groups(tmp_path)
    leave(folder / "gone", ["+experiment=[dropout]", "seed=9"], None, status="failed", reason="the loss is nan")
    document = page_of(folder)
    said = text_of(document)
    assert re.search(r"<h1>Against baseline with 91.90% test accuracy \(3 runs; [^<]*dropout ", document)
    for part in (
        "Groups", "Not counted", "Differences", "Curves", "Confusion matrices", "Configuration differences", "Runs",
        "Repeat a run", "failed: the loss is nan", "7 runs · 6 completed · 1 failed · 2 groups", "model.dropout",
        "validation would choose dropout", "python train.py &#x27;+experiment=[dropout]&#x27; seed=2",
    ):  # fmt: skip
        assert part in said, part
    assert document.count("data:image/png;base64,") >= 3
    assert not re.search(r'(src|href)="(?!data:)', document), "nothing may be loaded from elsewhere"


def test_no_string_of_the_data_becomes_markup(tmp_path: Path) -> None:
    folder = two_groups(tmp_path, word=NASTY.replace(",", ""))
    names = {NASTY: {}, "b": {}, "c": {}}
    reason = {"status": "failed", "reason": NASTY, "data": {"name": NASTY}, "per_class": names}
    leave(folder / "nasty", [f"x={NASTY}", "seed=3"], None, config={NASTY: NASTY}, versions={NASTY: NASTY}, **{
        key: value for key, value in reason.items() if key != "data"
    })  # fmt: skip
    document = page_of(folder)
    assert "alert" in text_of(document)
    assert "<script>alert" not in document
    assert document.count('<script type="module">') == 2, "the page's own and no other"


def test_without_a_completed_run_the_page_lists_the_reasons(tmp_path: Path) -> None:
    leave(tmp_path / "0", ["seed=0"], None, status="failed", reason="no room left")
    assert "No run can be compared 1 runs · 1 failed" in text_of(page_of(tmp_path))
    assert "failed: no room left" in text_of(page_of(tmp_path))


def test_what_one_mends_and_the_other_breaks(tmp_path: Path) -> None:
    folder = two_groups(tmp_path)
    targets = np.array([0, 1, 2, 0, 1, 2])
    before, after = np.array([0, 1, 0, 1, 2, 2]), np.array([1, 1, 2, 0, 2, 2])
    leave_predictions(folder / "bas0", targets, before)
    leave_predictions(folder / "dro0", targets, after)
    images = np.linspace(0, 1, 3 * 80 * 100, dtype=np.float32).reshape(3, 1, 80, 100)
    (folder / "bas0" / "mistakes.npz").write_bytes(KeptMistakes.of([2, 3, 4], images, (0, 1)).content())
    (folder / "dro0" / "mistakes.npz").write_bytes(KeptMistakes.of([0, 4], images[:2], (0, 1)).content())
    (comparison,) = compare_runs(find_runs([folder]))
    (changed,) = changed_answers(comparison)
    assert (changed.mended.tolist(), changed.broken.tolist()) == ([2, 3], [0])
    assert changed.counts == mcnemar(before == targets, after == targets)
    assert "of 6 test examples dropout mends 2 that baseline gets wrong and breaks 1" in changed.sentence()
    assert changed_rows(changed) == [
        ["#2", "mended", "bag", "coat", "bag"],
        ["#3", "mended", "coat", "shirt", "coat"],
        ["#0", "broken", "coat", "coat", "shirt"],
    ]
    mended, broken = changed_galleries(changed)
    texts = [text.get_text() for text in mended.axes[0].texts]
    assert [text for text in texts if text.startswith("#")] == ["#2", "#3"]
    assert "after: shirt" in [text.get_text() for text in broken.axes[0].texts]
    assert "What one mends and the other breaks" in text_of(page_of(folder))
    kept = KeptMistakes.read(folder / "bas0")
    assert kept is not None
    assert kept.images.shape == (3, 51, 64)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 torn", arrays(probabilities=np.ones(3), targets=np.ones(3)), arrays(index=np.ones(2))]
)
def test_damaged_predictions_are_left_out(content: bytes, tmp_path: Path) -> None:
    folder = two_groups(tmp_path)
    for place in ("bas0", "dro0"):
        for name in ("predictions.npz", "mistakes.npz"):
            (folder / place / name).write_bytes(content)
    (comparison,) = compare_runs(find_runs([folder]))
    assert changed_answers(comparison) == []
    assert KeptMistakes.read(folder / "bas0") is None


def test_the_forest_has_each_difference_and_its_interval(tmp_path: Path) -> None:
    (comparison,) = compare_runs(find_runs([two_groups(tmp_path)]))
    figure = forest_plot(comparison)
    assert figure is not None
    effect = comparison.others[0].effect
    assert effect is not None
    lines = [line.get_xdata() for line in figure.axes[0].lines]
    drawn = [100 * effect.difference.low, 100 * effect.difference.high]
    assert any(np.allclose(x, drawn) for x in lines if len(x) == 2)
    assert any(np.allclose(x, 100 * effect.difference.mean) for x in lines if np.size(x) == 1)


def test_matrices_stand_side_by_side_in_percent_of_their_rows(tmp_path: Path) -> None:
    (comparison,) = compare_runs(find_runs([two_groups(tmp_path)]))
    figure = joint_confusion({group.label: group.runs for group in comparison.groups})
    assert figure is not None
    shares = np.asarray(figure.axes[0].collections[0].get_array())
    np.testing.assert_allclose(shares, np.array([[30, 3, 1], [4, 28, 0], [2, 1, 31]]) / [[34], [32], [34]])
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == list(CLASSES)
    assert joint_confusion({"a": [find_runs([leave(tmp_path / "none", [], 0.5, confusion_matrix=None)])[0]]}) is None


def test_a_sweep_has_parallel_coordinates_and_slices(tmp_path: Path) -> None:
    for number in range(9):
        rate, width = (0.001, 0.01, 0.1)[number % 3], ("relu", "tanh", "gelu")[number // 3]
        overrides = [f"optimizer.lr={rate}", f"model.activation={width}", "batch_size=10"]
        leave(tmp_path / str(number), overrides, 0.8 + 0.1 * rate + 0.01 * number)
    (comparison,) = compare_runs(find_runs([tmp_path]))
    keys, settings = swept_settings(comparison)
    assert keys == ["optimizer.lr", "model.activation"]
    figure = parallel_coordinates(comparison, keys, settings)
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in figure.axes[0].lines if len(line.get_ydata()) == 3]
    assert len(lines) == 9
    # learning rates are a factor of ten apart: even steps on their axis; the best is drawn last
    assert sorted({round(line[0], 6) for line in lines}) == [0, 0.5, 1]
    np.testing.assert_allclose(lines[-1], [1, 1, 1])
    means = slices(comparison, keys, settings).axes[0].lines[-1]
    np.testing.assert_allclose(means.get_xdata(), [0.001, 0.01, 0.1])
    expected = [0.8 + 0.1 * rate + 0.01 * (3 + k) for k, rate in enumerate((0.001, 0.01, 0.1))]
    np.testing.assert_allclose(means.get_ydata(), expected)


SCALE = """
import resource, sys
from pathlib import Path
from lit_tricks.report.comparable import compare_runs
from lit_tricks.report.comparison_page import comparison_page
from lit_tricks.report.runs import find_runs
runs = find_runs([Path(sys.argv[1])])
document = comparison_page(compare_runs(runs), runs)
assert "torch" not in sys.modules
print(len(runs), len(document), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_thousand_runs_take_less_than_a_gigabyte_and_five_megabytes_of_page(tmp_path: Path) -> None:
    for number in range(1000):
        overrides = [f"optimizer.lr={number // 5 * 1e-4:g}", f"seed={number % 5}", "data=digits"]
        metrics = {f"test/m{k}": 0.5 for k in range(30)} | {"test/acc": 0.9 + (number * 37 % 101) / 2000}
        leave(tmp_path / str(number), overrides, 0.9, metrics=metrics)
    done = subprocess.run(
        [sys.executable, "-c", SCALE, str(tmp_path)], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    count, size, kilobytes = map(int, done.stdout.split())
    assert count == 1000
    assert size < 5e6
    assert kilobytes < 1_000_000
