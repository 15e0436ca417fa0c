"""Dirty models against a convex solver; shared and single features told apart."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import linear as reference
from tests.unit.linear._problems import shared_features

from ramify.linear import Dirty


def test_objective_is_the_one_of_a_convex_solver() -> None:
    cp: Any = pytest.importorskip("cvxpy")
    X, Y, _ = shared_features()
    shared, own, intercept = cp.Variable((5, 12)), cp.Variable((5, 12)), cp.Variable(5)
    errors = X @ (shared + own).T + intercept[None, :] - Y
    penalty = cp.sum(cp.max(cp.abs(shared), axis=0)) + 0.4 * cp.sum(cp.abs(own))
    problem = cp.Problem(cp.Minimize(cp.sum_squares(errors) / (2 * len(X)) + 0.5 * penalty))
    problem.solve(solver=cp.CLARABEL)
    model = Dirty(0.5, entry_ratio=0.4, tol=1e-8, max_iter=10_000).fit(X, Y)
    found = reference.squared_loss(X, Y, model.coef_)
    found += 0.5 * reference.block_sparse(model.shared_coef_, np.inf)
    found += 0.2 * reference.block_sparse(model.own_coef_, 1)
    assert_allclose(found, problem.value, rtol=1e-5)
    assert_allclose(model.shared_coef_ + model.own_coef_, model.coef_)


def test_planted_parts_are_told_apart() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        coef = np.zeros((5, 15))
        coef[:, :2] = rng.choice([-2.0, 2.0], size=(5, 2))
        coef[3, 7] = 2.0
        X = rng.normal(size=(100, 15))
        Y = X @ coef.T + 0.3 * rng.normal(size=(100, 5))
        model = Dirty(0.6).fit(X, Y)
        assert (model.shared_coef_.any(axis=0) == coef[:, :2].any() * (np.arange(15) < 2)).all()
        assert list(np.argwhere(np.abs(model.own_coef_) > 0.1)[0]) == [3, 7]


@pytest.mark.parametrize(("ratio", "part"), [(1.5, "own_coef_"), (0.1, "shared_coef_")])
def test_a_ratio_outside_its_range_leaves_one_part_empty(ratio: float, part: str) -> None:
    X, Y, _ = shared_features()
    model = Dirty(0.3, entry_ratio=ratio).fit(X, Y)
    assert not getattr(model, part).any()
