"""The norms: each proximal map minimises, and each dual norm bounds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from ramify.linear.penalties._norms import (
    EntryNorm,
    Penalty,
    RowMaximum,
    RowNorm,
    SumOfParts,
    TraceNormPenalty,
)

NORMS = {
    "entries": EntryNorm(0.7),
    "rows": RowNorm(0.7),
    "row maxima": RowMaximum(0.7),
    "trace": TraceNormPenalty(0.7),
    "sum of parts": SumOfParts(RowMaximum(0.7), EntryNorm(0.4)),
}
every_norm = pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)


def drawn(norm: Penalty, seed: int, scale: float = 1.0) -> NDArray[np.float64]:
    return scale * np.random.default_rng(seed).normal(size=(norm.n_parts, 4, 6))


@every_norm
@pytest.mark.parametrize("step", [0.1, 1.0, 10.0])
def test_no_other_point_is_better_than_the_proximal_one(norm: Penalty, step: float) -> None:
    given = drawn(norm, 0, 3.0)
    found = norm.prox(given, step)
    best = 0.5 * ((found - given) ** 2).sum() + step * norm.value(found)
    for seed in range(200):
        other = found + drawn(norm, seed, 10.0 ** -(seed % 5))
        value = 0.5 * ((other - given) ** 2).sum() + step * norm.value(other)
        assert value >= best - 1e-12


@every_norm
def test_proximal_points_are_never_farther_apart_than_what_they_came_from(norm: Penalty) -> None:
    for seed in range(20):
        first, second = drawn(norm, seed, 3.0), drawn(norm, seed + 100, 3.0)
        apart = np.linalg.norm(norm.prox(first, 0.5) - norm.prox(second, 0.5))
        assert apart <= np.linalg.norm(first - second) + 1e-12


@every_norm
def test_what_is_left_of_a_step_lies_in_the_dual_ball(norm: Penalty) -> None:
    given, step = drawn(norm, 1, 3.0), 0.5
    if norm.n_parts == 1:
        assert norm.gauge(((given - norm.prox(given, step)) / step)[0]) <= 1 + 1e-12


@every_norm
def test_the_dual_norm_bounds_every_product(norm: Penalty) -> None:
    for seed in range(20):
        coef, gradient = drawn(norm, seed), drawn(norm, seed + 50)[0]
        product = float(np.vdot(coef.sum(axis=0), gradient))
        assert product <= norm.gauge(gradient) * norm.value(coef) + 1e-12


@every_norm
def test_zero_is_its_own_proximal_point(norm: Penalty) -> None:
    zero = np.zeros((norm.n_parts, 4, 6))
    assert_allclose(norm.prox(zero, 1.0), 0.0)
    assert norm.value(zero) == 0
    assert norm.gauge(zero[0]) == 0


@every_norm
def test_small_coefficients_vanish_exactly(norm: Penalty) -> None:
    given = np.broadcast_to(drawn(norm, 2)[:1], (norm.n_parts, 4, 6))
    whole = given / norm.gauge(given[0]) * 0.999
    assert not norm.prox(whole, 1.0).any()
