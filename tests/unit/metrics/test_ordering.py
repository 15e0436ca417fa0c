"""Scores of levels and of orders, against scikit-learn and scipy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.stats import kendalltau
from sklearn.metrics import cohen_kappa_score, ndcg_score

from ramify._core import InputError
from ramify.metrics import (
    absence_note,
    group_kendall_tau,
    group_ndcg,
    group_reciprocal_rank,
    mean_over_groups,
    ndcg,
    task_scores,
    weighted_kappa,
)
from ramify.tasks import Ordinal, Ranking, Task, TaskSet

Array = NDArray[np.float64]
Groups = NDArray[np.int64]


def rows(seed: int, n: int = 120, n_groups: int = 7) -> tuple[Array, Array, Groups]:
    rng = np.random.default_rng(seed)
    scores = rng.integers(9, size=n) / 3  # with ties
    return scores, rng.integers(5, size=n).astype(float), rng.integers(n_groups, size=n)


def of(groups: Groups, group: int) -> NDArray[np.intp]:
    return np.flatnonzero(groups == group)


@pytest.mark.parametrize("seed", range(4))
def test_ndcg_is_that_of_scikit_learn(seed: int) -> None:
    scores, targets, groups = rows(seed)
    found = group_ndcg(scores, targets, groups)
    expected = [
        ndcg_score(targets[None, of(groups, g)], scores[None, of(groups, g)], k=10)
        for g in range(7)
    ]
    assert_allclose(found, expected)
    assert_allclose(ndcg(scores, targets, groups).value, np.mean(expected))


@pytest.mark.parametrize("seed", range(4))
def test_kendall_tau_is_that_of_scipy(seed: int) -> None:
    scores, targets, groups = rows(seed)
    expected = [
        kendalltau(scores[of(groups, g)], targets[of(groups, g)]).statistic for g in range(7)
    ]
    assert_allclose(group_kendall_tau(scores, targets, groups), expected)


def test_reciprocal_rank_is_of_the_first_of_the_best_and_ties_count_against_it() -> None:
    scores = np.array([3.0, 2.0, 1.0, 1.0, 1.0, 5.0])
    targets = np.array([0.0, 2.0, 2.0, 1.0, 0.0, 1.0])
    groups = np.array([0, 0, 0, 1, 1, 2])
    assert_allclose(group_reciprocal_rank(scores, targets, groups), [1 / 2, 1 / 2, np.nan])


def test_a_group_of_one_label_has_no_score_and_does_not_count() -> None:
    scores, targets, groups = rows(0)
    targets[of(groups, 2)] = 1
    for score in (group_ndcg, group_kendall_tau, group_reciprocal_rank):
        values = score(scores, targets, groups)
        assert np.flatnonzero(np.isnan(values)).tolist() == [2]
    others = groups != 2
    every = ndcg(scores, targets, groups).value
    assert_allclose(every, ndcg(scores[others], targets[others], groups[others]).value)


def test_a_perfect_order_scores_one_and_constant_scores_are_no_order() -> None:
    _, targets, groups = rows(0)
    assert_allclose(group_ndcg(targets, targets, groups), 1)
    assert_allclose(group_kendall_tau(0 * targets, targets, groups), 0)


def test_the_influence_of_a_group_stands_at_its_first_row_and_a_lone_group_has_blocks() -> None:
    scores, targets, groups = rows(1)
    values = group_ndcg(scores, targets, groups)
    found = ndcg(scores, targets, groups)
    assert_allclose(found.value, values.mean())
    first = np.array([of(groups, g)[0] for g in range(7)])
    assert np.flatnonzero(found.influence).tolist() == sorted(first)
    assert_allclose((found.influence**2).sum(), values.var(ddof=1) / 7)
    lone = ndcg(scores, targets, np.zeros(120, np.int64))
    assert_allclose(lone.value, ndcg_score(targets[None], scores[None], k=10))
    assert abs(lone.influence.sum()) < 1e-9
    assert np.count_nonzero(lone.influence) <= 20


@pytest.mark.parametrize("seed", range(3))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reaching = -np.sort(-rng.random((60, 3)), axis=1)
    targets = rng.integers(4, size=60)
    level = np.floor(reaching.sum(axis=1) + 0.5).astype(int)
    expected = cohen_kappa_score(targets, level, weights="quadratic")
    assert_allclose(weighted_kappa(reaching, targets * 1.0).value, expected)


def test_scores_over_labels_that_do_not_differ_are_absent_and_say_why() -> None:
    tasks = TaskSet([Task("a", Ordinal(("x", "y", "z"))), Task("b", Ranking())])
    predictions, targets = np.full((4, 3), 0.3), np.array([[1.0, 0], [1, 0], [1, 2], [1, 2]])
    mask, groups = np.ones((4, 2), dtype=bool), np.array([0, 0, 1, 1])
    assert np.isnan(task_scores(predictions, targets, mask, tasks, groups=groups).values).all()
    assert absence_note(tasks[0], targets[:, 0]) == "labels of one level only on these rows"
    words = "no group with two different labels on these rows"
    assert absence_note(tasks[1], targets[:, 1], groups) == words
    assert absence_note(tasks[1], targets[:, 1]) == ""


def test_a_label_below_0_has_no_gain() -> None:
    with pytest.raises(InputError, match="must be 0 or more, from not relevant up"):
        group_ndcg(np.zeros(3), np.array([0.0, -2.0, 1.0]), np.zeros(3, np.int64))


def test_kappa_of_one_level_for_all_rows_is_0_and_not_what_rounding_leaves() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 24) * 1.0
    assert weighted_kappa(np.full((24, 2), [0.9, 0.1]), targets).value == 0.0


def test_without_a_row_nothing_was_put_in_order() -> None:
    none, groups = np.zeros(0), np.zeros(0, dtype=np.int64)
    assert np.isnan(ndcg(none, none, groups).value)
    for score in (group_ndcg, group_kendall_tau, group_reciprocal_rank):
        assert np.isnan(mean_over_groups(score(none, none, groups)))
