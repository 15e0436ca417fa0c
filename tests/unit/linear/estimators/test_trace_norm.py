"""Trace-norm models against a convex solver; planted subspaces."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import linear as reference
from tests.unit.linear._problems import shared_features, with_gaps

from ramify import linear
from ramify.linear import BlockSparse, Dirty, TraceNorm, TraceNormCV


def test_objective_is_the_one_of_a_convex_solver() -> None:
    cp: Any = pytest.importorskip("cvxpy")
    X, Y, _ = shared_features()
    coef, intercept = cp.Variable((5, 12)), cp.Variable(5)
    loss = cp.sum_squares(X @ coef.T + intercept[None, :] - Y) / (2 * len(X))
    problem = cp.Problem(cp.Minimize(loss + 0.3 * cp.normNuc(coef)))
    problem.solve(solver=cp.CLARABEL)
    model = TraceNorm(0.3, tol=1e-8).fit(X, Y)
    found = reference.squared_loss(X, Y, model.coef_)
    found += 0.3 * float(np.linalg.norm(model.coef_, "nuc"))
    assert_allclose(found, problem.value, rtol=1e-5)
    assert_allclose(model.coef_, coef.value, atol=1e-3)


def test_the_path_begins_at_zero() -> None:
    X, Y, _ = shared_features()
    first = TraceNormCV(alphas=2, cv=2).fit(X, Y).alphas_[0, 0]
    assert not TraceNorm(first * (1 + 1e-9)).fit(X, Y).coef_.any()
    assert TraceNorm(0.98 * first).fit(X, Y).rank_ == 1


def test_a_planted_subspace_is_found() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        basis = np.linalg.qr(rng.normal(size=(10, 2)))[0]
        coef = 2 * rng.normal(size=(12, 2)) @ basis.T
        X = rng.normal(size=(80, 10))
        Y = with_gaps(X @ coef.T + 0.3 * rng.normal(size=(80, 12)), seed)
        model = TraceNorm(0.5).fit(X, Y)
        assert model.rank_ == 2
        found = np.linalg.svd(model.coef_)[2][:2].T
        assert np.linalg.svd(found.T @ basis, compute_uv=False).min() > 0.98


@pytest.mark.parametrize("form", [BlockSparse, TraceNorm, Dirty])
def test_a_robust_loss_is_solved_where_features_have_just_begun_to_count(form: type) -> None:
    X, Y, _ = shared_features()
    path = (
        getattr(linear, f"{form.__name__}CV")(
            alphas=2, eps=0.9, cv=2, loss="huber", max_iter=20_000
        )
        .fit(X, 3 * Y)
        .alphas_
    )
    for share in (0.999, 0.99, 0.96):
        model = form(share * path[0, 0], loss="huber").fit(X, 3 * Y)
        assert model.coef_.any()
        assert model.optimality_ <= model.tol
