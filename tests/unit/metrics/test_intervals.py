"""Intervals cover as often as they say, and claims are false as seldom."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from ramify.metrics import (
    Spread,
    holm,
    intervals,
    score_intervals,
    spread_over_rows,
    spread_over_trainings,
    sum_of_spreads,
    task_scores,
)
from ramify.tasks import Binary, Multiclass, Regression, Task, TaskSet

Array = NDArray[np.float64]
MANY = 1e9  # degrees of freedom: as good as known


def influence_of_means(samples: Array) -> Array:
    n = len(samples)
    influence: Array = (samples - samples.mean(axis=0)) / np.sqrt(n * (n - 1))
    return influence


def test_of_a_mean_of_normal_numbers_it_is_nearly_the_t_interval() -> None:
    samples = np.random.default_rng(0).normal(0.2, 1, size=(400, 3))
    found = intervals(samples.mean(axis=0), spread_over_rows(influence_of_means(samples)))
    exact = ttest_1samp(samples, 0)
    for interval, low, high, p in zip(
        found, *exact.confidence_interval(0.95), exact.pvalue, strict=True
    ):
        assert_allclose([interval.low, interval.high], [low, high], atol=1e-3)
        assert_allclose(interval.p, p, atol=1e-3)


def test_groups_count_as_wholes() -> None:
    rng = np.random.default_rng(1)
    by_group = rng.normal(size=(30, 1))
    samples, groups = np.repeat(by_group, 7, axis=0), np.repeat(np.arange(30), 7)
    found = spread_over_rows(influence_of_means(samples), groups)
    assert_allclose(found.variance, by_group.var(ddof=1) / 30, rtol=1e-2)
    assert found.freedom[0] < 60


def test_few_rows_that_decide_are_few_degrees_of_freedom() -> None:
    even, odd = np.full((200, 1), 1.0), np.zeros((200, 1))
    odd[:3] = 1.0
    assert spread_over_rows(odd).freedom[0] < 10 < spread_over_rows(even).freedom[0]


def test_what_has_no_spread_has_no_interval() -> None:
    (found,) = intervals(np.array([0.0]), spread_over_rows(np.zeros((9, 1))))
    assert np.isnan([found.low, found.high, found.p]).all()


def test_an_absent_value_has_no_ends() -> None:
    (found,) = intervals(np.array([np.nan]), spread_over_rows(np.full((9, 1), np.nan)))
    assert np.isnan([found.value, found.low, found.high]).all()


def test_the_ends_touch_0_where_p_is_one_in_twenty() -> None:
    values = np.linspace(0.5, 4, 60)
    rows = Spread(np.ones(60), np.full(60, 20.0))
    trainings = Spread(np.full(60, 0.7), np.full(60, 3.0))
    for part in (None, trainings):
        found = intervals(values, rows, part)
        assert [i.p <= 0.05 for i in found] == [i.low >= 0 for i in found]


def test_trainings_are_spread_by_the_jackknife() -> None:
    members = np.random.default_rng(2).normal(size=(5, 1))
    left_out = (members.sum(axis=0) - members) / 4
    found = spread_over_trainings(left_out)
    assert_allclose(found.variance, members.var(ddof=1) / 5)
    assert found.freedom[0] == 4


def test_spreads_of_independent_parts_add_up() -> None:
    found = sum_of_spreads(
        Spread(np.array([2.0, 0.0]), np.array([4.0, 4.0])),
        Spread(np.array([2.0, 0.0]), np.array([4.0, 9.0])),
    )
    assert_allclose(found.variance, [4, 0])
    assert_allclose(found.freedom, [8, 4])


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("ratio", [0.1, 1.0, 30.0])
def test_values_of_rows_and_trainings_are_covered(n: int, ratio: float) -> None:
    rng, repeats = np.random.default_rng(3), 4000
    trained = np.sqrt(ratio) * rng.normal(size=(n, repeats))
    values = rng.normal(size=repeats) + trained.mean(axis=0)
    left_out = (trained.sum(axis=0) - trained) / (n - 1)
    rows = Spread(np.ones(repeats), np.full(repeats, MANY))
    found = intervals(values, rows, spread_over_trainings(left_out))
    covered = np.mean([i.low <= 0 <= i.high for i in found])
    assert 0.925 <= covered <= 0.985


def test_holm_is_bonferroni_for_the_first_and_stops_at_the_first_that_fails() -> None:
    assert holm(np.array([0.012, 0.04, 0.02, np.nan])).tolist() == [True, True, True, False]
    assert not holm(np.array([0.02, 0.03, 0.04])).any()
    assert holm(np.array([])).tolist() == []


TASKS = TaskSet(
    [Task("a", Binary()), Task("b", Multiclass(("x", "y"))), Task("c", Regression(0.0, 1.0))]
)


def test_perfect_scores_of_few_rows_have_an_interval_within_their_range() -> None:
    targets = np.array([[0.0, 0, 0.5]] * 20 + [[1.0, 1, -0.5]] * 4)
    yes = targets[:, 0]
    predictions = np.stack([yes, 1 - yes, yes, targets[:, 2] + 0.1], axis=1)
    found = score_intervals(task_scores(predictions, targets, np.ones((24, 3), bool), TASKS))
    for interval in found[:2]:
        assert interval.value == 1
        assert interval.high == pytest.approx(1)
        assert 0.5 < interval.low < 0.95
    assert found[2].value == pytest.approx(0.1)
    assert np.isnan(found[2].low)  # every row has the same error


def test_areas_under_curves_of_few_positives_are_covered() -> None:
    rng, truth, repeats = np.random.default_rng(4), 0.7602499, 400  # of normal scores one apart
    tasks, covered = TaskSet([Task("a", Binary())]), 0
    targets = np.array([1.0] * 8 + [0.0] * 80)[:, None]
    for _ in range(repeats):
        scores = rng.normal(size=(88, 1)) + targets
        (found,) = score_intervals(task_scores(scores, targets, targets >= 0, tasks))
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / repeats <= 0.985
