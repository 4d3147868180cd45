import numpy as np
import pytest

from lit_tricks.data.labels import apply_labels, class_order, index_labels
from lit_tricks.errors import UserError


def strings(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def test_numbers_sort_by_value_and_texts_as_strings() -> None:
    assert list(class_order(strings("10", "9", "-1"))) == ["-1", "9", "10"]
    assert list(class_order(strings("10", "9", "b"))) == ["10", "9", "b"]


def test_spellings_of_one_number_are_one_class() -> None:
    indices, names = index_labels(strings("1.0", "2", "1", "2.0", "1"), "y", "r")
    assert names == ("1", "2")
    assert apply_labels(strings("1.0", "2", "1", "2.00"), "y", indices).tolist() == [0, 1, 0, 1]


def test_the_same_words_are_never_one_class_in_texts() -> None:
    assert index_labels(strings("1", "1.0", "a", "a", "1", "1.0"), "y", "r")[1] == ("1", "1.0", "a")


def test_one_class_is_refused() -> None:
    with pytest.raises(UserError, match="at least 2 classes; column y holds only 'a': choose"):
        index_labels(strings("a", "a"), "column y", "choose")


@pytest.mark.parametrize(
    "labels", [[str(i) for i in range(40)], [f"{i / 8}" for i in range(30)] * 10, [f"id{i % 30}" for i in range(50)]]
)
def test_a_quantity_or_identifier_is_refused(labels: list[str]) -> None:
    with pytest.raises(UserError, match=r"different values in \d+ rows, probably a number to predict \(regression\)"):
        index_labels(strings(*labels), "y", "r")


def test_many_whole_numbered_classes_are_fine() -> None:
    assert len(index_labels(strings(*[str(i) for i in range(100)] * 2), "y", "r")[1]) == 100


def test_a_label_unknown_to_training_is_refused() -> None:
    with pytest.raises(UserError, match=r"column y of b\.csv also holds c, d: "):
        apply_labels(strings("a", "d", "c"), "column y of b.csv", {"a": 0, "b": 1})
