import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import metrics as reference

from ramify._core import InputError, ShapeError
from ramify.metrics import bootstrap_weights, delta_m, intervals

NAN = float("nan")


def test_delta_m_equals_the_loop() -> None:
    ours, theirs = [0.9, 2.0, 0.5, NAN], [0.8, 2.5, 0.5, 0.4]
    higher = [True, False, True, True]
    found = delta_m(np.array(ours), np.array(theirs), higher)
    assert_allclose(found, reference.delta_m(ours, theirs, higher))
    assert_allclose(found, (12.5 + 20 + 0) / 3)


def test_delta_m_is_0_against_itself_and_unknown_without_scores() -> None:
    scores = np.array([0.3, 0.7])
    assert delta_m(scores, scores, [True, False]) == 0
    assert np.isnan(delta_m(np.array([NAN]), np.array([0.5]), [True]))


def test_delta_m_changes_sign_with_the_direction() -> None:
    ours, theirs = np.array([0.9, 0.4]), np.array([0.8, 0.5])
    up, down = delta_m(ours, theirs, [True, True]), delta_m(ours, theirs, [False, False])
    assert_allclose(up, -down)


@pytest.mark.parametrize("baseline", [0.0, -1.0])
def test_delta_m_refuses_a_baseline_that_is_not_positive(baseline: float) -> None:
    with pytest.raises(InputError, match="`single_task` must be positive"):
        delta_m(np.array([0.5]), np.array([baseline]), [True])


@pytest.mark.boundary
def test_delta_m_refuses_what_would_broadcast() -> None:
    with pytest.raises(ShapeError, match="must have one entry per task"):
        delta_m(np.ones(3), np.ones(1), [True, True, True])


def test_bootstrap_draws_as_many_rows_with_replacement() -> None:
    found = bootstrap_weights(30, 200, seed=3)
    assert found.shape == (200, 30)
    assert (found.sum(axis=1) == 30).all()
    assert_allclose(found.mean(axis=0), 1, atol=0.3)
    assert np.array_equal(found, bootstrap_weights(30, 200, seed=3))
    assert not np.array_equal(found, bootstrap_weights(30, 200, seed=4))


def test_intervals_are_the_middle_95_percent() -> None:
    draws = np.linspace(0, 1, 1001)[:, None]
    (found,) = intervals(np.array([0.5]), draws)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.025, 0.975))


def test_an_interval_covers_the_mean_in_most_experiments() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(100):
        sample = rng.standard_normal(60)
        draws = bootstrap_weights(60, 300, seed) @ sample[:, None] / 60
        (found,) = intervals(np.array([sample.mean()]), draws)
        covered += found.low <= 0 <= found.high
    assert 88 <= covered <= 100


@pytest.mark.parametrize(("unknown", "has_ends"), [(40, True), (60, False), (100, False)])
def test_ends_are_unknown_if_most_draws_are(unknown: int, has_ends: bool) -> None:
    draws = np.linspace(0, 1, 100)
    draws[:unknown] = NAN
    (found,) = intervals(np.array([0.7]), draws[:, None])
    assert found.value == 0.7
    assert np.isfinite([found.low, found.high]).all() == has_ends


def test_an_absent_value_has_no_ends() -> None:
    (found,) = intervals(np.array([NAN]), np.ones((10, 1)))
    assert np.isnan([found.value, found.low, found.high]).all()
