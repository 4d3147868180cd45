import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lit_tricks.report.figures import confusion_matrix, save_figure
from lit_tricks.report.style import class_labels, new_figure, printable


def test_figures_need_no_pyplot():
    code = "import sys, lit_tricks.report.figures; print('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_saved_at_150_dpi_and_nothing_else_is_left(tmp_path):
    path = save_figure(new_figure(2, 1), tmp_path / "figures" / "empty.png")
    content = path.read_bytes()
    assert (int.from_bytes(content[16:20]), int.from_bytes(content[20:24])) == (300, 150)
    assert list(path.parent.iterdir()) == [path]


def test_a_figure_that_cannot_be_drawn_leaves_the_old_one(tmp_path):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    figure = new_figure(2, 1)
    figure.text(0, 0, "$\\frac$")
    with pytest.raises(ValueError, match="frac"):
        save_figure(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_figures_may_be_drawn_in_threads(tmp_path):
    def draw(k):
        return save_figure(confusion_matrix([[k, 1], [2, 3]], ["a", "b"]), tmp_path / f"{k}.png").read_bytes()

    alone = [draw(k) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, range(4))) == alone


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("plain", 10, "plain"),
        ("a very long name", 8, "a very…"),
        ("two\nlines", 20, "two lines"),
        ("$5 and $6", 20, "\\$5 and \\$6"),
        ("\u764c x", 20, "□ x"),
        (7, 3, "7"),
    ],
)
def test_printable(text, width, shown):
    assert printable(text, width) == shown


def test_labels_stay_distinct_when_cut():
    names = ["the same beginning, one", "the same beginning, two", "short"]
    assert class_labels(names, 10) == ["0: the sa…", "1: the sa…", "2: short"]
    assert class_labels(["cat", "dog"], 10) == ["cat", "dog"]
