import gzip
import io
import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from lit_tricks.report.figures import (
    Mistake,
    MistakeCount,
    batch_grid,
    misclassified_gallery,
    misclassified_table,
    mistakes_csv,
    rank_mistakes,
    save_figure,
)
from lit_tricks.report.sheet import pictures


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_mistakes_are_ranked_by_loss_then_position():
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0, 0.2, 0.8]])
    targets = np.array([0, 0, 2, 0, 0])
    found = rank_mistakes(probabilities, targets, np.array([0.1, 5.0, 7.0, 5.0, float("nan")]))
    assert [mistake.index for mistake in found] == [4, 2, 1, 3]
    assert found[1] == Mistake(
        index=2, true=2, predicted=1, probability=0.6, second=2, second_probability=0.3, loss=7.0
    )
    assert [mistake.index for mistake in rank_mistakes(probabilities, targets, limit=2)] == [4, 1]


def test_mistakes_without_losses_are_ranked_by_the_true_class():
    probabilities = np.array([[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]])
    found = rank_mistakes(torch.tensor(probabilities), torch.tensor([0, 0, 0]))
    assert [mistake.index for mistake in found] == [1, 2, 0]
    assert found[0].loss == pytest.approx(-np.log(0.1))


def test_gallery_tells_of_each_image_what_was_seen(tmp_path):
    images = np.zeros((2, 1, 8, 8), np.uint8)
    records = [Mistake(12, 4, 9, 0.621, 4, 0.3, 1.0), Mistake(7, 1, 2, 0.5, 3, 0.25, 0.5)]
    figure = misclassified_gallery(images, records, [str(k) for k in range(10)], (0, 255), MistakeCount(30, 20))
    save_figure(figure, tmp_path / "gallery.png")
    assert texts(figure)[:3] == ["4 → 9", "9: 62%, 4: 30%", "#12"]
    assert figure.get_suptitle() == (
        "2 of 30 wrongly recognised images, largest loss first\nthe second choice is right in 20 of all 30"
    )


def test_gallery_with_long_names_stays_on_the_page(tmp_path):
    names = [f"a class with a long name {k}" for k in range(3)]
    records = [Mistake(k, 0, 1, 1.0, 2, 0.0, 1.0) for k in range(25)]
    figure = misclassified_gallery(torch.zeros(25, 3, 9, 5), records, names)
    save_figure(figure, tmp_path / "gallery.png")
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for box in boxes)
    first_row = boxes[1::4][:10]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(first_row))


def test_gallery_holds_at_most_a_hundred(tmp_path):
    records = [Mistake(k, 0, 1, 1.0, 0, 0.0, 1.0) for k in range(150)]
    figure = misclassified_gallery(np.zeros((150, 1, 2, 2)), records, ["a", "b"], (0, 1))
    assert len(texts(figure)) == 3 * 100
    assert figure.get_suptitle().startswith("100 of 150 ")


def test_pictures_stand_above_their_words_dot_by_dot(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (13, 3, 5, 7), dtype=np.uint8)
    records = [Mistake(k, 0, 1, 1.0, 0, 0.0, 1.0) for k in range(13)]
    figure = misclassified_gallery(images, records, ["a", "b"], (0, 255))
    page = np.asarray(Image.open(save_figure(figure, tmp_path / "gallery.png")))
    height = page.shape[0]
    assert page.shape[2] == 3
    for k in (0, 9, 10, 12):
        # the words are centred below the picture, whose frame hides its edge
        first = figure.axes[0].texts[3 * k].get_window_extent()
        centre = (first.x0 + first.x1) / 2
        below = height - first.y1
        side = 0.88 * 150
        columns = np.rint(centre - side / 2 + (np.arange(7) + 0.5) * side / 7).astype(int)
        begin = next(y for y in range(int(below - side), int(below)) if (page[y, columns] == images[k, :, 2].T).all())
        rows = np.rint(begin + (np.arange(5) - 1.5) * side / 7).astype(int)
        np.testing.assert_array_equal(page[rows][:, columns], images[k].transpose(1, 2, 0))


def test_nothing_to_show(tmp_path):
    for figure in (misclassified_gallery(np.zeros((0, 1, 8, 8)), [], ["a", "b"]), misclassified_table([], ["a", "b"])):
        save_figure(figure, tmp_path / "empty.png")
        assert figure.get_suptitle() == "No example was recognised wrongly"


def test_table_lists_the_worst(tmp_path):
    records = [Mistake(k, 0, 1, 0.75, 0, 0.25, 1.5) for k in range(40)]
    figure = misclassified_table(records, ["benign", "malignant"], MistakeCount(60, 60))
    save_figure(figure, tmp_path / "table.png")
    assert texts(figure)[7:14] == ["#0", "benign", "malignant", "75.0%", "benign", "25.0%", "1.50"]
    assert len(texts(figure)) == 7 * 26
    assert figure.get_suptitle().startswith("25 of 60 wrongly recognised examples")


def test_batch_of_real_digits(data_root, tmp_path):
    content = gzip.decompress((data_root / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    images = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:40]
    figure = batch_grid(images, torch.arange(40) % 10, [str(k) for k in range(10)], (0, 255))
    page = np.asarray(Image.open(save_figure(figure, tmp_path / "batch.png")))
    # a margin of 15 dots beside, a title above; the picture itself is 157.5 dots wide
    columns = np.rint(15 + (np.arange(28) + 0.5) * 157.5 / 28).astype(int)
    assert any((page[row, columns, 0] == images[0, 0, 14]).all() for row in range(60, 200))
    assert texts(figure)[:3] == ["0", "1", "2"]


def test_pictures_are_scaled_clipped_and_in_colour():
    (grey,) = pictures(np.array([[[[-1.0, 0.0], [0.5, 2.0]]]]), (0, 1))
    assert grey.tolist() == [[0, 0], [0.5, 1]]
    (colour,) = pictures(torch.rand(1, 3, 4, 5), None)
    assert colour.shape == (4, 5, 3)
    (averaged,) = pictures(np.stack([np.zeros((1, 2, 2)), np.ones((1, 2, 2))], axis=1), None)
    assert averaged.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    (constant,) = pictures(np.full((1, 1, 2, 2), 7.0), None)
    assert np.isfinite(constant).all()


def test_scores_rank_mistakes_but_are_told_as_no_probabilities(tmp_path):
    scores = np.array([[0.9, 0.8, 0.1], [0.3, 0.2, 0.7], [0.1, 0.9, 0.2]])
    records = rank_mistakes(scores, np.array([1, 1, 1]), probabilistic=False)
    assert [(record.index, record.predicted, record.second) for record in records] == [(1, 2, 0), (0, 0, 1)]
    assert {value for r in records for value in (r.probability, r.second_probability, r.loss)} == {None}
    names = ["a", "b", "c"]
    figure = misclassified_gallery(np.zeros((2, 1, 4, 4), np.uint8), records, names)
    assert texts(figure)[:3] == ["b → c", "2nd a", "#1"]
    assert figure.get_suptitle().startswith("2 wrongly recognised images, the true class's lowest scores first\n")
    long = misclassified_gallery(np.zeros((2, 1, 4, 4), np.uint8), records, ["first", "second", "third"])
    assert texts(long)[:4] == ["second", "→ third", "2nd first", "#1"]
    table = misclassified_table(records, names)
    assert "-" in texts(table)
    assert not any("%" in text for text in texts(table))


def test_the_first_mistakes_are_told_as_such_and_all_of_them_are_counted():
    probabilities = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.1, 0.8, 0.1], [0.9, 0.06, 0.04]])
    targets = np.array([1, 0, 1, 2])
    records = rank_mistakes(probabilities, targets, limit=None)
    assert [record.index for record in records] == [3, 1, 0]
    count = MistakeCount.of(records)
    assert count == MistakeCount(total=3, second_right=1)
    first = sorted(records, key=lambda record: record.index)[:2]
    figure = misclassified_gallery(np.zeros((2, 1, 4, 4)), first, ["a", "b", "c"], (0, 1), count, by_position=True)
    assert texts(figure)[::3] == ["b → a", "a → c"]
    assert figure.get_suptitle() == (
        "2 of 3 wrongly recognised images, in their order\nthe second choice is right in 1 of all 3"
    )


def test_mistakes_are_a_table_that_pandas_reads():
    records = [Mistake(12, 1, 0, 0.6, 1, 0.3, 1.2), Mistake(7, 2, 1, None, 0, None, None)]
    table = pd.read_csv(io.StringIO(mistakes_csv(records, ["a", "b, or c", "d"])))
    assert table.columns.tolist() == [
        "example", "true", "predicted", "probability", "second", "second_probability", "loss",
    ]  # fmt: skip
    assert table.iloc[0].tolist() == [12, "b, or c", "a", 0.6, "b, or c", 0.3, 1.2]
    assert table.iloc[1][["probability", "second_probability", "loss"]].isna().all()


def test_the_first_choice_may_be_another_than_the_most_probable() -> None:
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    records = rank_mistakes(chances, np.array([0, 0, 1]), predicted=np.array([0, 1, 1]))
    (record,) = records
    assert (record.index, record.predicted, record.second) == (1, 1, 0)
    assert (record.probability, record.second_probability) == (0.4, 0.6)
