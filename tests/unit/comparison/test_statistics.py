"""Intervals against values by hand, and the choice that validation rows make."""

from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import ttest_1samp

from ramify.comparison import paired_gain, paired_gains
from ramify.comparison._statistics import _p_value, mean_of, spread_of
from ramify.comparison._summary import recommended

from ._small import mixed


def test_the_interval_is_that_of_a_t_table() -> None:
    # Mean 2, standard deviation 1, five values: t_4 = 2.776 from any table.
    gain = paired_gain([1.0, 1.5, 2.0, 2.5, 3.0])
    error = sqrt(0.625 / 5)
    assert gain.value == 2
    assert gain.low == pytest.approx(2 - 2.7764451 * error, rel=1e-7)
    assert gain.high == pytest.approx(2 + 2.7764451 * error, rel=1e-7)


def test_overlapping_training_rows_widen_the_interval_as_nadeau_and_bengio_do() -> None:
    plain, widened = paired_gain([0.1, 0.3, 0.2]), paired_gain([0.1, 0.3, 0.2], overlap=1 / 8)
    assert plain.high is not None
    assert widened.high is not None
    ratio = (widened.high - 0.2) / (plain.high - 0.2)
    assert_allclose(ratio, sqrt((1 / 3 + 1 / 8) / (1 / 3)))


@pytest.mark.parametrize("differences", [[1.0, 2.0, 6.0], [0.1, 0.3, 0.2, 0.5], [-1.0, 0.5, 0.2]])
def test_the_p_value_is_that_of_scipy(differences: list[float]) -> None:
    values = np.array(differences)
    assert_allclose(_p_value(values, 0.0), ttest_1samp(values, 0).pvalue)
    (gain,) = paired_gains(values[:, None])
    assert gain == paired_gain(differences).model_copy(update={"clear": gain.clear})


def test_seeds_without_a_difference_are_left_out() -> None:
    assert paired_gain([0.1, np.nan, 0.3]) == paired_gain([0.1, 0.3])
    assert paired_gain([np.nan]).seeds == 0
    one = paired_gain([0.5])
    assert (one.value, one.low, one.high, one.seeds) == (0.5, None, None, 1)


def test_like_differences_are_no_interval_without_width() -> None:
    # 17 and 32 pairs of 36 in place of 18 and 33: the two differ by rounding only.
    gain = paired_gain([17 / 36 - 18 / 36, 32 / 36 - 33 / 36])
    assert (gain.low, gain.high, gain.seeds) == (None, None, 2)
    same = paired_gain([0.0, 0.0, 0.0])
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_means_and_spreads_say_nothing_of_nothing() -> None:
    assert mean_of([]) is None
    assert spread_of([1.0]) is None
    assert_allclose(spread_of([1.0, 3.0, np.nan]) or 0, sqrt(2))


def test_a_gain_in_the_record_is_the_difference_of_the_means() -> None:
    record = mixed()
    tests = {method.name: method.test or 0.0 for method in record.methods}
    for method in record.methods:
        for other, gain in method.gains.items():
            assert_allclose(gain.value or 0.0, tests[method.name] - tests[other], atol=1e-12)


def test_the_gain_of_a_task_is_positive_where_it_is_better_whatever_its_metric() -> None:
    record = mixed()
    single = {
        mean.task: mean for m in record.methods if m.name == "single-task" for mean in m.tasks
    }
    signs = {task.name: 1 if task.higher_is_better else -1 for task in record.tasks}
    assert set(signs.values()) == {1, -1}
    for method in record.methods:
        for mean in method.tasks:
            expected = signs[mean.task] * ((mean.value or 0) - (single[mean.task].value or 0))
            assert_allclose(mean.gain.value or 0.0, expected, atol=1e-9)


def test_losses_are_all_tasks_that_a_way_of_sharing_made_worse_and_no_others() -> None:
    record = mixed()
    expected = {
        (method.name, mean.task)
        for method in record.methods
        if method.name in {"hard", "adaptive"}
        for mean in method.tasks
        if (mean.gain.value or 0) < 0
    }
    assert {(loss.method, loss.task) for loss in record.losses} == expected
    assert all(loss.clear == loss.gain.clear for loss in record.losses)


def test_many_tasks_need_more_to_be_clear_and_two_seeds_are_never_enough() -> None:
    one = np.array([[0.010], [0.012], [0.008], [0.011]])
    assert paired_gains(one)[0].clear
    rest = np.random.default_rng(0).normal(0, 1, size=(4, 400))
    many = paired_gains(np.hstack([one, rest]))
    assert sum(bool(gain.clear) for gain in many) == 0
    assert many[0].low == paired_gains(one)[0].low
    assert not paired_gain([0.010, 0.0101]).clear


def test_the_smallest_within_one_standard_error_of_the_best_is_recommended() -> None:
    validation = {"big": [0.9, 0.8], "small": [0.88, 0.81], "poor": [0.5, 0.5]}
    sizes = {"big": 100.0, "small": 10.0, "poor": 1.0}
    found = recommended(validation, sizes, 0.0)
    assert found is not None
    assert (found.method, found.best, found.tied) == ("small", "big", ["big", "small"])


def test_a_steady_difference_is_no_tie_however_small() -> None:
    found = recommended({"a": [0.9, 0.8], "b": [0.89, 0.79]}, {"a": 9.0, "b": 1.0}, 0.0)
    assert found is not None
    assert found.method == "a"


def test_with_one_seed_the_best_is_recommended_and_of_equals_the_smaller() -> None:
    found = recommended({"a": [0.8], "b": [0.8], "c": [0.7]}, {"a": 9, "b": 1, "c": 0}, 0.0)
    assert found is not None
    assert found.method == "b"


@pytest.mark.parametrize("validation", [{}, {"a": [np.nan]}])
def test_without_validation_scores_nothing_is_recommended(
    validation: dict[str, list[float]],
) -> None:
    assert recommended(validation, {"a": 1.0}, 0.0) is None
