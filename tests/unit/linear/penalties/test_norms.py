"""The norms: each proximal map minimises, and each dual norm bounds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from ramify.linear.penalties._norms import (
    EntryNorm,
    Penalty,
    RowMaximum,
    RowNorm,
    SumOfParts,
)

NORMS = {
    "entries": EntryNorm(0.7),
    "rows": RowNorm(0.7),
    "row maxima": RowMaximum(0.7),
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
def test_a_step_per_feature_is_that_step_for_each_feature(norm: Penalty) -> None:
    given, steps = drawn(norm, 0, 3.0), np.array([0.1, 0.5, 1.0, 2.0, 3.0, 4.0])
    found = norm.prox(given, steps)
    for j, step in enumerate(steps):
        assert_allclose(found[..., [j]], norm.prox(given[..., [j]], float(step)))


@every_norm
def test_along_a_face_the_norm_is_its_second_order(norm: Penalty) -> None:
    given = drawn(norm, 0, 2.0)
    given[..., 0] /= 100
    coef = norm.prox(given, 1.0)
    assert not coef[..., 0].any()
    assert coef.any()
    face = norm.face(coef)
    way = face.onto(drawn(norm, 1))
    assert_allclose(face.onto(way), way, atol=1e-12)
    assert_allclose(face.onto(face.slope), face.slope, atol=1e-12)
    for length in (1e-3, -1e-3):
        moved = coef + length * way
        assert_array_equal(norm.pattern(moved), norm.pattern(coef))
        rise = length * np.vdot(face.slope, way)
        rise += length**2 / 2 * np.vdot(way, face.bend(way))
        assert_allclose(norm.value(moved) - norm.value(coef), rise, atol=1e-8)


@every_norm
def test_directions_onto_a_face_are_the_nearest_of_it(norm: Penalty) -> None:
    face = norm.face(norm.prox(drawn(norm, 0, 2.0), 1.0))
    for seed in range(5):
        given, other = drawn(norm, seed), face.onto(drawn(norm, seed + 50))
        assert_allclose(np.vdot(given - face.onto(given), other), 0.0, atol=1e-12)


@every_norm
def test_a_gradient_is_brought_into_the_dual_ball_and_left_there(norm: Penalty) -> None:
    for seed in range(10):
        inside = norm.into_ball(drawn(norm, seed, 3.0)[0])
        assert norm.gauge(inside) <= 1 + 1e-12
        assert_allclose(norm.into_ball(inside), inside, atol=1e-12)


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
