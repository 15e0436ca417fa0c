"""The best partition and cover are those that trying all would find."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from ramify._core import InputError
from ramify.grouping import (
    TrialScores,
    best_cover,
    best_partitions,
    pair_gains,
    partitions_by_pairs,
    score_of,
)

Subsets = list[tuple[int, ...]]


def every_subset(n: int) -> Subsets:
    return [s for k in range(1, n + 1) for s in combinations(range(n), k)]


def some_scores(n: int, seed: int) -> tuple[Subsets, NDArray[np.float64]]:
    subsets = every_subset(n)
    scores = np.full((len(subsets), n), np.nan)
    rng = np.random.default_rng(seed)
    for i, subset in enumerate(subsets):
        scores[i, list(subset)] = rng.normal(size=len(subset))
    return subsets, scores


def every_partition(n: int) -> list[list[list[int]]]:
    if n == 0:
        return [[]]
    found = []
    for rest in every_partition(n - 1):
        found += [[*rest[:i], [*rest[i], n - 1], *rest[i + 1 :]] for i in range(len(rest))]
        found.append([*rest, [n - 1]])
    return found


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_best_partition_is_that_of_trying_all(n: int) -> None:
    subsets, scores = some_scores(n, n)
    place = {s: i for i, s in enumerate(subsets)}
    found = best_partitions(subsets, scores)
    assert sorted(found) == list(range(1, n + 1))
    for k, groups in found.items():
        assert sorted(t for g in groups for t in g) == list(range(n))
        totals = [
            score_of(tuple(tuple(g) for g in p), place, scores)
            for p in every_partition(n)
            if len(p) == k
        ]
        assert_allclose(score_of(groups, place, scores), max(totals))


def test_only_subsets_that_were_tried_are_used() -> None:
    subsets: Subsets = [(0,), (1,), (2,), (0, 1, 2)]
    scores = np.array([[1, np.nan, np.nan], [np.nan, 1, np.nan], [np.nan, np.nan, 1], [0, 0, 0.0]])
    assert best_partitions(subsets, scores) == {1: ((0, 1, 2),), 3: ((0,), (1,), (2,))}
    with pytest.raises(InputError, match="at most 10"):
        best_partitions([(0,)], np.zeros((1, 11)))


@pytest.mark.parametrize("budget", [1, 2, 3])
def test_the_best_cover_is_nearly_that_of_trying_all(budget: int) -> None:
    lost = []
    for seed in range(20):
        subsets, scores = some_scores(4, seed)
        values = np.where(np.isnan(scores), -np.inf, scores)
        best = max(
            values[list(c)].max(axis=0).sum() for c in combinations(range(len(subsets)), budget)
        )
        found = best_cover(subsets, scores, budget)
        assert len(found) <= budget
        lost.append(best - values[list(found)].max(axis=0).sum())
    assert min(lost) >= -1e-9
    assert np.median(lost) < 1e-9


def test_a_task_without_scores_is_served_too() -> None:
    scores = np.array([[0.5, np.nan], [0.1, np.nan], [np.nan, np.nan]])
    assert best_cover([(0,), (0, 1), (1,)], scores, 2) == (0, 1)
    with pytest.raises(InputError, match="allow more"):
        best_cover([(0,), (1,)], np.array([[0.5, np.nan], [np.nan, 0.1]]), 1)


def test_pairs_find_planted_groups_whatever_they_have_in_common() -> None:
    subsets, planted = [s for s in every_subset(9) if len(s) < 3], np.arange(9) // 3
    scores = np.full((len(subsets), 9), np.nan)
    for i, s in enumerate(subsets):
        scores[i, list(s)] = 0.5 if len(s) == 1 else 0.6 if planted[s[0]] == planted[s[1]] else 0.4
    gains = pair_gains(subsets, scores)
    assert_allclose(gains[0], [0, 0.1, 0.1] + [-0.1] * 6)
    found = partitions_by_pairs(gains, 5)
    assert sorted(found) == [1, 2, 3, 4, 5]
    assert found[3] == ((0, 1, 2), (3, 4, 5), (6, 7, 8))
    gains[0, 8] = gains[3, 1] = np.nan
    assert partitions_by_pairs(gains, 5)[3] == found[3]


def test_scores_are_shares_of_the_loss_and_parts_add_up() -> None:
    losses = np.array([[[1.0, 4.0], [np.nan, np.nan]], [[2.0, 2.0], [3.0, np.nan]]])
    start, counts = np.array([[4.0, 8.0], [6.0, np.nan]]), np.array([[1.0, 3.0], [2.0, 0.0]])
    trials = TrialScores(((0,), (0, 1)), losses, start, counts)
    found = trials.explained()
    assert_allclose(found[0], [1 - 13 / 28, np.nan])
    assert_allclose(found[1], [1 - 8 / 28, 0.5])
    only = trials.explained(np.array([False, True]))
    assert_allclose(only[1], [1 - 2 / 7, np.nan])
    assert_allclose(trials.joined(trials).explained(), np.concatenate([found, found]))
