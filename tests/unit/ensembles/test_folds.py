import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from ramify._core import InputError
from ramify.ensembles import folds_of


def spread(fold: np.ndarray, rows: np.ndarray) -> int:
    counts = np.bincount(fold[rows], minlength=fold.max() + 1)
    return int(counts.max() - counts.min())


@given(st.integers(2, 200), st.integers(0, 5), st.integers(0, 1000))
def test_every_row_has_a_fold_and_the_rarest_label_is_spread_evenly(
    n: int, n_tasks: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, n_tasks)) < 0.1 * rng.random(n_tasks)).astype(float)
    fold = folds_of(labels, seed=seed)
    k = min(5, n)
    assert set(fold) == set(range(k))
    positives = labels.sum(axis=0)
    if n_tasks and positives.any():
        rarest = int(np.where(positives > 0, positives, np.inf).argmin())
        assert spread(fold, labels[:, rarest] == 1) <= 1
    assert_array_equal(folds_of(labels, seed=seed), fold)


def test_folds_are_of_equal_size_where_no_label_is_rare() -> None:
    fold = folds_of(np.random.default_rng(0).normal(size=(103, 2)))
    assert spread(fold, np.arange(103)) <= 1


def test_labels_that_few_rows_have_are_spread_evenly() -> None:
    labels = np.full((100, 2), np.nan)
    labels[:, 0] = np.arange(100)
    labels[:12, 1] = np.arange(12)
    assert spread(folds_of(labels), np.arange(12)) <= 1


def test_tasks_with_rows_of_their_own_are_dealt_within_each() -> None:
    task = np.repeat(np.arange(4), [3, 10, 52, 35])
    fold = folds_of(np.zeros((100, 1)), task=task)
    assert all(spread(fold, task == t) <= 1 for t in range(4))


def test_groups_stay_whole() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 30, 300) * 7
    labels = (group[:, None] < 21).astype(float)
    fold = folds_of(labels, group=group)
    assert all(len(set(fold[group == g])) == 1 for g in set(group))
    assert spread(fold, np.arange(300)) < 60
    assert len(set(fold[labels[:, 0] == 1])) == 3  # of three groups


def test_another_seed_gives_other_folds_of_any_number() -> None:
    labels = np.zeros((40, 1))
    assert (folds_of(labels, seed=1) != folds_of(labels, seed=2)).any()
    assert set(folds_of(labels, 10)) == set(range(10))


@pytest.mark.parametrize("n_folds", [1, 6])
def test_more_folds_than_rows_are_refused(n_folds: int) -> None:
    with pytest.raises(InputError, match="n_folds"):
        folds_of(np.zeros((5, 1)), n_folds)
