"""The scores of attributes against loops, and where they are absent."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from ramify import InputError
from ramify._core import ShapeError
from ramify.metrics import mean_accuracy, mean_balanced_accuracy, top_accuracy, top_recall

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def sample(n: int = 60, tasks: int = 7, seed: int = 0) -> tuple[Array, Array, Mask]:
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, tasks)) < 0.3).astype(float)
    return rng.random((n, tasks)), targets, rng.random((n, tasks)) < 0.8


def test_accuracy_and_balanced_accuracy_equal_task_by_task_scores() -> None:
    p, y, mask = sample()
    plain, balanced = [], []
    for t in range(p.shape[1]):
        rows = mask[:, t]
        plain.append(((p[rows, t] >= 0.5) == (y[rows, t] == 1)).mean())
        balanced.append(balanced_accuracy_score(y[rows, t], p[rows, t] >= 0.5))
    assert_allclose(mean_accuracy(p, y, mask), np.mean(plain))
    assert_allclose(mean_balanced_accuracy(p, y, mask), np.mean(balanced))


@pytest.mark.parametrize("k", [1, 3, 7, 20])
def test_top_recall_equals_looking_at_every_picture(k: int) -> None:
    p, y, mask = sample(seed=k)
    recalls = []
    for t in range(p.shape[1]):
        named = [
            int((p[n] > p[n, t]).sum() < k) for n in range(len(p)) if mask[n, t] and y[n, t] == 1
        ]
        recalls.append(np.mean(named))
    assert_allclose(top_recall(p, y, mask, k), np.mean(recalls))


def test_of_equal_scores_no_more_than_k_are_named() -> None:
    p, y = np.full((3, 5), 0.5), np.ones((3, 5))
    assert_allclose(top_recall(p, y, np.ones((3, 5), dtype=bool), k=2), 2 / 5)


@pytest.mark.parametrize("k", [1, 3])
def test_top_accuracy_equals_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(k)
    p, classes = rng.random((50, 6)), rng.integers(0, 6, 50)
    found = top_k_accuracy_score(classes, p, k=k, labels=np.arange(6))
    assert_allclose(top_accuracy(p, classes, k), found)


def test_labels_that_are_not_there_do_not_count() -> None:
    p, y, mask = sample()
    other = np.where(mask, y, 1 - y)
    for score in (mean_accuracy, mean_balanced_accuracy, top_recall):
        assert score(p, y, mask) == score(p, other, mask)


def test_without_labels_scores_are_absent() -> None:
    p, y, mask = sample()
    for score in (mean_accuracy, mean_balanced_accuracy, top_recall):
        assert np.isnan(score(p, y, np.zeros_like(mask)))
    assert np.isnan(top_accuracy(p[:0], np.zeros(0, dtype=np.int64)))


def test_tasks_without_a_label_of_a_class_are_left_out() -> None:
    p, y, mask = sample(tasks=2)
    mask[:, 1] = False
    assert mean_accuracy(p, y, mask) == mean_accuracy(p[:, :1], y[:, :1], mask[:, :1])
    y[:, 1], mask[:, 1] = 0, True
    one = mean_balanced_accuracy(p[:, :1], y[:, :1], mask[:, :1])
    assert mean_balanced_accuracy(p, y, mask) == one


@pytest.mark.boundary
def test_shapes_must_agree() -> None:
    p, y, mask = sample()
    with pytest.raises(ShapeError, match=r"must be \(row, task\)"):
        mean_accuracy(p[:, 1:], y, mask)
    with pytest.raises(ShapeError, match="one entry per row"):
        top_accuracy(p, np.zeros(3, dtype=np.int64))


def test_k_and_classes_are_checked() -> None:
    p, y, mask = sample()
    with pytest.raises(InputError, match=r"`k` must be 1 or more\. Got 0"):
        top_recall(p, y, mask, 0)
    with pytest.raises(InputError, match=r"`classes` must be from 0 to 6\. Got 0 to 9"):
        top_accuracy(p[:2], np.array([0, 9]))
