"""Latent basis: turns that only lower the objective, planted overlaps, and the limits."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Lasso
from tests.references import linear_alternating as reference
from tests.unit.linear._alternating import Array, Stacked, centred, orthonormal, rows_of, shared

from ramify._core import InputError
from ramify.linear import LatentBasis, LatentBasisClassifier
from ramify.linear.losses._quadratic_model import BlockModel
from ramify.linear.solvers._basis_search import (
    BasisFactors,
    alternate_factors,
    better_basis,
    better_codes,
)

ALPHA = 0.1


def quadratic(X: Array, Y: Array) -> BlockModel:
    return BlockModel(X.T @ X / len(X), Y.T @ X / len(X))


def some_factors(seed: int = 0, n_tasks: int = 5, n_features: int = 4) -> BasisFactors:
    rng = np.random.default_rng(seed)
    return BasisFactors(rng.normal(size=(n_tasks, 2)), rng.normal(size=(2, n_features)))


def overlapping(seed: int) -> tuple[Stacked, Array]:
    """Tasks that use one direction, both, or the other."""
    rng = np.random.default_rng(seed)
    used = np.array([[True, False], [True, True], [False, True]])[np.arange(18) % 3]
    sizes = rng.uniform(0.8, 1.5, size=used.shape) * rng.choice([-1, 1], size=used.shape)
    coef = (used * sizes) @ orthonormal(2, 8, rng)
    return rows_of(coef, seed, n_rows=30, noise=0.05), used


def agreement(codes: Array, used: Array) -> float:
    """The share of codes that are zero or not as planted, for the better order of directions."""
    orders = permutations(range(used.shape[1]))
    return max(float(np.mean((codes[:, order] != 0) == used)) for order in orders)


def test_planted_overlaps_are_found_in_twenty_draws() -> None:
    shares = []
    for seed in range(20):
        data, used = overlapping(seed)
        model = LatentBasis(0.3).fit(data.X, data.y, task=data.task)
        assert_allclose(model.codes_ @ model.components_, model.coef_)
        shares.append(agreement(model.codes_, used))
    # Where the tasks that use both do so with mostly one sign, a slanted basis is cheaper.
    assert min(shares) > 0.9
    assert shares.count(1.0) >= 16


def test_tasks_without_a_common_direction_have_no_affinity() -> None:
    data, used = overlapping(0)
    model = LatentBasis(0.3).fit(data.X, data.y, task=data.task)
    apart = used.astype(int) @ used.T == 0
    assert_allclose(model.task_affinity_[apart], 0)
    assert (model.task_affinity_[~apart] > 0).all()


def test_every_turn_lowers_the_objective() -> None:
    for seed in range(10):
        X, Y = centred(seed)
        start, loss = some_factors(seed), quadratic(X, Y)
        _, objectives = alternate_factors(loss, start, 0.03, -loss.linear, 1e-6, 200)
        assert all(after < before for before, after in pairwise(objectives))


def test_the_end_is_stationary() -> None:
    X, Y = centred()
    loss = quadratic(X, Y)
    factors, _ = alternate_factors(loss, some_factors(), ALPHA, -loss.linear, 1e-7, 2000)
    here = _objective(X, Y, factors)
    rng = np.random.default_rng(0)
    for _ in range(50):
        nearby = BasisFactors(
            factors.codes + 1e-4 * rng.normal(size=factors.codes.shape),
            factors.basis + 1e-4 * rng.normal(size=factors.basis.shape),
        )
        assert _objective(X, Y, nearby) >= here - 1e-7


def test_basis_solves_the_system_of_all_directions() -> None:
    X, Y = centred()
    factors = some_factors()
    for _ in range(10):
        factors = BasisFactors(factors.codes, better_basis(quadratic(X, Y), factors, ALPHA))
    assert_allclose(factors.basis, reference.basis_for(X, Y, factors.codes, ALPHA), rtol=1e-8)


def test_basis_with_a_matrix_per_task_has_no_slope() -> None:
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(5, 6, 4))
    quadratic = BlockModel(roots.swapaxes(1, 2) @ roots, rng.normal(size=(5, 4)))
    factors = some_factors()
    for _ in range(20):
        factors = BasisFactors(factors.codes, better_basis(quadratic, factors, ALPHA))
    slope = factors.codes.T @ quadratic.gradient(factors.coef) + ALPHA * factors.basis
    assert_allclose(slope, 0, atol=1e-8)


def test_codes_are_a_lasso_per_task() -> None:
    X, Y = centred()
    factors = some_factors()
    for _ in range(50):
        factors = BasisFactors(better_codes(quadratic(X, Y), factors, ALPHA), factors.basis)
    lasso = Lasso(ALPHA, fit_intercept=False, tol=1e-12).fit(X @ factors.basis.T, Y)
    assert_allclose(factors.codes, lasso.coef_, atol=1e-8)


def test_balancing_keeps_coefficients_and_lowers_the_penalty() -> None:
    factors = some_factors()
    balanced = factors.balanced()
    assert_allclose(balanced.coef, factors.coef)
    assert balanced.penalty(ALPHA) < factors.penalty(ALPHA)
    for scale in (0.9, 1.1):
        moved = BasisFactors(balanced.codes / scale, balanced.basis * scale)
        assert moved.penalty(ALPHA) > balanced.penalty(ALPHA)


def test_balancing_gives_codes_and_squared_basis_the_same_size() -> None:
    factors = some_factors()
    uneven = BasisFactors(factors.codes * [100, 0.01], factors.basis).balanced()
    assert_allclose(np.abs(uneven.codes).sum(axis=0), (uneven.basis**2).sum(axis=1))


def test_turns_end_where_rounding_forbids_a_lower_objective() -> None:
    X, Y = centred()
    loss = quadratic(X, Y)
    factors, objectives = alternate_factors(loss, some_factors(), 0.03, -loss.linear, 0.0, 5000)
    assert len(objectives) < 5000
    assert all(after < before for before, after in pairwise(objectives))
    assert loss.value(factors.coef) + factors.penalty(0.03) == objectives[-1]


def test_little_penalty_leaves_every_task_alone() -> None:
    X, Y = centred()
    model = LatentBasis(1e-6, n_basis=5, tol=1e-6).fit(X, Y)
    assert_allclose(model.coef_, np.linalg.lstsq(X, Y)[0].T, atol=1e-3)


def test_one_direction_makes_coefficients_proportional() -> None:
    model = LatentBasis(0.05, n_basis=1).fit(*shared())
    assert np.linalg.matrix_rank(model.coef_) == 1


def test_from_the_largest_strength_on_nothing_is_used() -> None:
    X, Y = shared()
    centred_rows, labels = X - X.mean(axis=0), Y - Y.mean(axis=0)
    slopes = np.linalg.norm(labels.T @ centred_rows / len(X), axis=1)
    largest = np.cbrt((labels**2).sum() / (2 * len(X)) * slopes.max() ** 2) / 1.5
    model = LatentBasis(largest).fit(X, Y)
    assert not model.coef_.any()
    assert_allclose(model.intercept_, Y.mean(axis=0))


def test_planted_overlaps_of_classifiers_are_found() -> None:
    rng = np.random.default_rng(0)
    used = np.array([[1, 0], [0, 1]] * 4, dtype=bool)
    coef = 4 * used @ orthonormal(2, 6, rng)
    data = rows_of(coef, 0, n_rows=80)
    model = LatentBasisClassifier(0.15).fit(data.X, data.y > 1, task=data.task)
    assert agreement(model.codes_, used) == 1


@pytest.mark.parametrize("settings", [{"alpha": 0.0}, {"n_basis": 0}, {"n_init": 0}])
def test_a_setting_out_of_range_is_named(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"`{next(iter(settings))}`"):
        LatentBasis(**settings).fit(*shared())  # type: ignore[arg-type]


def _objective(X: Array, Y: Array, factors: BasisFactors) -> float:
    return reference.squared_loss(X, Y, factors.coef) + factors.penalty(ALPHA)
