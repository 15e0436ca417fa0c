"""Spectral penalties: value, prox and conjugate belong together."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.unit.linear._alternating import Array

from ramify.linear.penalties._spectral import (
    ClusterPenalty,
    GroupedTraceNorm,
    SpectralPenalty,
    SquaredTraceNorm,
    TraceNormPenalty,
)
from ramify.linear.solvers._admm import _slack_of_squares

N_TASKS = 6
PENALTIES = {
    "squared trace norm": SquaredTraceNorm(0.7),
    "with a ridge": SquaredTraceNorm(0.7, 0.4),
    "clusters": ClusterPenalty(0.05, 0.2, 1.5, 3),
    "one cluster": ClusterPenalty(0.05, 0.2, 1.5, 1),
    "as many clusters as tasks": ClusterPenalty(0.05, 0.2, 1.5, N_TASKS),
    "groups": GroupedTraceNorm(0.7, np.array([0, 1, 0, 1, 2, 0])),
}
every_penalty = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
every_shape = pytest.mark.parametrize("n_features", [1, 4, 9])


def some(seed: int, n_features: int) -> Array:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N_TASKS, n_features)) * rng.exponential(size=n_features)


@every_penalty
@every_shape
def test_value_and_conjugate_bound_every_product(penalty: SpectralPenalty, n_features: int) -> None:
    for seed in range(20):
        coef, gradient = some(seed, n_features), some(seed + 100, n_features)
        total = penalty.value(coef) + penalty.conjugate(gradient)
        assert total >= np.vdot(coef, gradient) * (1 - 1e-12)


@every_penalty
@every_shape
@pytest.mark.parametrize("step", [1e-3, 1.0, 1e3])
def test_prox_attains_the_bound(penalty: SpectralPenalty, n_features: int, step: float) -> None:
    for seed in range(5):
        coef = some(seed, n_features)
        proximal = penalty.prox(coef, step)
        slope = (coef - proximal) / step
        total = penalty.value(proximal) + penalty.conjugate(slope)
        assert_allclose(total, np.vdot(proximal, slope), rtol=1e-8)


@every_penalty
def test_penalty_is_quadratic_in_scale(penalty: SpectralPenalty) -> None:
    coef = some(0, 4)
    assert_allclose(penalty.value(-3 * coef), 9 * penalty.value(coef))
    assert_allclose(penalty.conjugate(-3 * coef), 9 * penalty.conjugate(coef))


@every_penalty
def test_zero_costs_nothing_and_stays(penalty: SpectralPenalty) -> None:
    zero = np.zeros((N_TASKS, 4))
    assert penalty.value(zero) == penalty.conjugate(zero) == 0
    assert_allclose(penalty.prox(zero, 1.0), zero)


def test_the_gap_of_the_trace_norm_is_that_of_scaled_errors() -> None:
    """Half squared errors, whose dual is the best of all scales in the ball."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 4)), rng.normal(size=(20, N_TASKS))
    penalty = TraceNormPenalty(6.0)
    for seed in range(5):
        coef = penalty.prox(some(seed, 4), 0.1)
        errors = X @ coef.T - Y
        gradient, squares = errors.T @ X, float(0.5 * (errors**2).sum())
        scale = min(1.0, 6.0 / float(np.linalg.norm(gradient, 2)))
        dual = -(0.5 * scale**2 * (errors**2).sum() + scale * (errors * Y).sum())
        gap = penalty.gap(coef, gradient, _slack_of_squares(squares))
        assert_allclose(gap, squares + 6.0 * np.linalg.norm(coef, "nuc") - dual)


def test_the_proximal_map_of_the_trace_norm_leaves_a_slope_of_the_dual_ball() -> None:
    penalty = TraceNormPenalty(0.7)
    coef = some(1, 4)
    proximal = penalty.prox(coef, 0.5)
    slope = (coef - proximal) / 0.5
    assert np.linalg.norm(slope, 2) <= 0.7 + 1e-12
    assert_allclose(np.vdot(slope, proximal), penalty.value(proximal))
    assert penalty.conjugate(0.99 * slope) == 0
    assert penalty.conjugate(1.01 * slope) == np.inf


def test_squared_trace_norm_is_what_it_says() -> None:
    coef = some(3, 4)
    expected = 0.35 * np.linalg.norm(coef, "nuc") ** 2 + 0.2 * np.linalg.norm(coef) ** 2
    assert_allclose(SquaredTraceNorm(0.7, 0.4).value(coef), expected)


def test_one_cluster_is_mean_regularisation() -> None:
    coef = some(4, 4)
    middle = coef.mean(axis=0)
    expected = (0.05 * N_TASKS * middle @ middle + 1.5 * ((coef - middle) ** 2).sum()) / 2
    assert_allclose(ClusterPenalty(0.05, 0.2, 1.5, 1).value(coef), expected)


def test_a_cluster_per_task_is_ridge() -> None:
    coef = some(5, 4)
    assert_allclose(ClusterPenalty(0.2, 0.2, 1.5, N_TASKS).value(coef), 0.1 * (coef**2).sum())


def test_variances_keep_bounds_and_budget() -> None:
    penalty = ClusterPenalty(0.05, 0.2, 1.5, 3)
    for seed in range(20):
        singular = np.random.default_rng(seed).exponential(size=6) ** 2
        variances = penalty.variances(singular)
        assert variances.min() >= 1 / 1.5 - 1e-12
        assert variances.max() <= 1 / 0.2 + 1e-12
        assert_allclose((variances - 1 / 1.5).sum(), 2 * (1 / 0.2 - 1 / 1.5))
