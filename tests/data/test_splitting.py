import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from lit_tricks.data.splitting import first_split, rows_of, stratified_fold, stratified_split, stratified_subset
from lit_tricks.errors import UserError

NAMES = ("a", "b", "c")
SKEWED = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [70, 23, 7]))


def partition(rest: np.ndarray, picked: np.ndarray) -> list[int]:
    return sorted([*rest.tolist(), *picked.tolist()])


@pytest.mark.parametrize(
    ("size", "rows"), [(0, 0), (0.0, 0), (7, 7), (1, 1), (0.25, 25), (0.114, 11), (0.116, 12), (99, 99)]
)
def test_a_size_is_a_fraction_or_a_number_of_rows(size: float, rows: int) -> None:
    assert rows_of(size, 100, "val_size") == rows


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (1.0, r"data\.val_size must be a fraction in \[0, 1\) or a whole number of rows; received 1\.0"),
        (30.0, r"received 30\.0: try data\.val_size=0\.2 or"),
        (-0.1, r"received -0\.1"),
        (float("nan"), r"received nan"),
        (-1, r"must leave some of the 100 available rows over; received -1"),
        (100, r"must leave some of the 100 available rows over; received 100"),
        (0.999, r"must leave some of the 100 available rows over; received 0\.999"),
        (True, r"must be a number; received True"),
        ("0.2", r"must be a number; received '0\.2'"),
        (0.001, r"data\.val_size=0\.001 of 100 rows is an empty split"),
    ],
)
def test_a_wrong_size_is_refused_by_name(size: float, message: str) -> None:
    with pytest.raises(UserError, match=message):
        rows_of(size, 100, "val_size")


def test_first_rows_are_picked_in_order() -> None:
    rest, picked = first_split(10, 3, "val_size")
    np.testing.assert_array_equal(picked, [0, 1, 2])
    np.testing.assert_array_equal(rest, np.arange(3, 10))


def test_a_stratified_split_keeps_the_proportions() -> None:
    rest, picked = stratified_split(SKEWED, 0.2, seed=1, word="val_size")
    assert partition(rest, picked) == list(range(100))
    # exact shares 14, 4.6 and 1.4: the one row left over after rounding down belongs to the largest remainder
    np.testing.assert_array_equal(np.bincount(SKEWED[picked]), [14, 5, 1])
    assert (np.diff(picked) > 0).all()
    assert (np.diff(rest) > 0).all()


def test_the_draw_follows_the_seed() -> None:
    first, again, other = (stratified_split(SKEWED, 0.2, seed, "val_size")[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_draw_is_uniform_within_a_class() -> None:
    hits = sum(np.isin(np.arange(100), stratified_split(SKEWED, 20, seed, "val_size")[1]) for seed in range(2000))
    for k, quota in enumerate([14, 5, 1]):
        members = np.flatnonzero(np.equal(SKEWED, k))
        expected = quota / len(members)
        spread = np.sqrt(expected * (1 - expected) / 2000)
        assert np.abs(hits[members] / 2000 - expected).max() < 4.5 * spread


def test_a_rare_class_is_kept_on_both_sides() -> None:
    labels = np.repeat([0, 1, 2], [96, 2, 2])
    rest, picked = stratified_split(labels, 0.05, seed=0, word="val_size")
    np.testing.assert_array_equal(np.bincount(labels[picked]), [3, 1, 1])
    np.testing.assert_array_equal(np.bincount(labels[rest]), [93, 1, 1])


def test_the_only_row_of_a_class_stays_in_the_rest() -> None:
    labels = np.array([0] * 9 + [1])
    for seed in range(20):
        rest, picked = stratified_split(labels, 8, seed, "val_size")
        assert len(picked) == 8
        assert 9 in rest


def test_taking_the_last_row_of_a_class_is_refused() -> None:
    with pytest.raises(UserError, match=r"so at most 97 of 100 rows; received 98: try data\.test_size=48"):
        stratified_split(SKEWED, 98, 0, "test_size")


@settings(max_examples=200, deadline=None)
@given(
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    fraction=st.floats(0, 1),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_split_is_exact_disjoint_and_near_its_shares(counts: list[int], fraction: float, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    available = sum(counts) - len(counts)
    rows = int(fraction * available)
    rest, picked = stratified_split(labels, rows, seed, "val_size")
    assert partition(rest, picked) == list(range(len(labels)))
    assert len(picked) == rows
    taken = np.bincount(labels[picked], minlength=len(counts))
    assert (taken < counts).all()
    several = np.array(counts) > 1
    if rows >= several.sum():
        assert (taken[several] >= 1).all()
    # keeping every class moves at most one row a class, and each class may round by one
    assert np.abs(taken - np.array(counts) * rows / len(labels)).max() <= len(counts) + 1


@settings(max_examples=100, deadline=None)
@given(counts=st.lists(st.integers(1, 60), min_size=1, max_size=8), data=st.data())
def test_any_subset_is_exact_and_keeps_every_class_it_can(counts: list[int], data: st.DataObject) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = data.draw(st.integers(1, len(labels)))
    subset = stratified_subset(labels, rows, seed=5)
    assert len(np.unique(subset)) == rows
    kept = np.bincount(labels[subset], minlength=len(counts))
    if rows >= len(counts):
        assert (kept >= 1).all()
    else:
        assert kept.max() <= np.ceil(max(counts) * rows / len(labels))


def test_a_subset_takes_a_fraction_too() -> None:
    np.testing.assert_array_equal(np.bincount(SKEWED[stratified_subset(SKEWED, 0.5, seed=0)]), [35, 12, 3])


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (0, r"data\.train_size must be greater than 0; received 0: try data\.train_size=null"),
        (101, r"data\.train_size must be at most the 100 training rows; received 101"),
        (1.0, r"fraction in \[0, 1\)"),
    ],
)
def test_a_wrong_subset_is_refused(size: float, message: str) -> None:
    with pytest.raises(UserError, match=message):
        stratified_subset(SKEWED, size, seed=0)


@pytest.mark.parametrize("folds", [2, 3, 5, 7])
def test_folds_partition_the_rows_as_scikit_learn_does(folds: int) -> None:
    pairs = [stratified_fold(SKEWED, folds, fold, seed=3, class_names=NAMES) for fold in range(folds)]
    assert sorted(np.concatenate([picked for _, picked in pairs])) == list(range(100))
    assert all(partition(*pair) == list(range(100)) for pair in pairs)
    # scikit-learn numbers classes by first appearance, so it is given labels in class order
    reference = StratifiedKFold(folds).split(np.zeros(100), np.sort(SKEWED))
    theirs = [np.bincount(np.sort(SKEWED)[picked], minlength=3).tolist() for _, picked in reference]
    assert [np.bincount(SKEWED[picked], minlength=3).tolist() for _, picked in pairs] == theirs


def test_folds_follow_the_seed() -> None:
    first, again, other = (stratified_fold(SKEWED, 5, 0, seed, NAMES)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("folds", "fold", "message"),
    [
        (1, 0, r"data\.folds must be at least 2; received 1"),
        (3, 3, r"data\.fold must lie in 0\.\.2 for data\.folds=3; received 3: try data\.fold=0"),
        (3, -1, r"received -1"),
        (8, 0, r"every class needs at least data\.folds=8 rows; class 'c' has 7: try data\.folds=7"),
    ],
)
def test_wrong_folds_are_refused(folds: int, fold: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        stratified_fold(SKEWED, folds, fold, 0, NAMES)


def test_a_class_of_one_row_cannot_be_folded() -> None:
    with pytest.raises(UserError, match=r"class 'b' has 1: try data\.folds=null"):
        stratified_fold(np.array([0, 0, 0, 1]), 2, 0, 0, NAMES)
