"""Block-sparse models against scikit-learn, skglm, celer and a convex solver; their limits."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, LogisticRegression, MultiTaskLasso
from tests.references import linear as reference
from tests.unit.linear._problems import Array, shared_features, with_gaps

from ramify.linear import BlockSparse, BlockSparseClassifier, BlockSparseCV

EXACT = 1e-12


def largest(X: Array, Y: Array) -> float:
    """The smallest strength without any coefficient, for q = 2."""
    moments = (X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0)) / len(X)
    return float(np.linalg.norm(moments, axis=1).max())


@pytest.mark.parametrize("part", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("n_features", [12, 150])
def test_equals_scikit_learns_multi_task_lasso(
    part: float, intercept: bool, n_features: int
) -> None:
    X, Y, _ = shared_features(n_features=n_features)
    alpha = part * largest(X, Y)
    ours = BlockSparse(alpha, fit_intercept=intercept, tol=EXACT, max_iter=20_000).fit(X, Y)
    theirs = MultiTaskLasso(alpha, fit_intercept=intercept, tol=1e-13, max_iter=200_000).fit(X, Y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-6)


@pytest.mark.slow  # skglm compiles itself first
def test_equals_skglm() -> None:
    skglm: Any = pytest.importorskip("skglm.estimators")
    X, Y, _ = shared_features(n_features=80)
    alpha = 0.1 * largest(X, Y)
    ours = BlockSparse(alpha, tol=EXACT, max_iter=20_000).fit(X, Y).coef_
    theirs = skglm.MultiTaskLasso(alpha, tol=1e-10).fit(X, Y)
    assert_allclose(ours, theirs.coef_, atol=1e-6)


def test_equals_celer() -> None:
    homotopy: Any = pytest.importorskip("celer.homotopy")
    X, Y, _ = shared_features(n_features=80)
    X, Y = np.asfortranarray(X - X.mean(axis=0)), np.asfortranarray(Y - Y.mean(axis=0))
    alpha = 0.1 * largest(X, Y)
    ours = BlockSparse(alpha, tol=EXACT, max_iter=20_000).fit(X, Y).coef_
    path = homotopy.mtl_path(X, Y, alphas=[alpha], tol=1e-12)[1]
    assert_allclose(ours, path[:, :, 0], atol=1e-6)


@pytest.mark.parametrize("q", [1, 2, np.inf])
@pytest.mark.parametrize("gaps", [False, True])
def test_objective_is_the_one_of_a_convex_solver(q: float, gaps: bool) -> None:
    cp: Any = pytest.importorskip("cvxpy")
    X, Y, _ = shared_features()
    Y = with_gaps(Y) if gaps else Y
    coef = cp.Variable((Y.shape[1], X.shape[1]))
    intercept = cp.Variable(Y.shape[1])
    loss = 0
    for t in range(Y.shape[1]):
        rows = ~np.isnan(Y[:, t])
        errors = X[rows] @ coef[t] + intercept[t] - Y[rows, t]
        loss += cp.sum_squares(errors) / (2 * rows.sum())
    penalty = sum(cp.norm(coef[:, j], q) for j in range(X.shape[1]))
    problem = cp.Problem(cp.Minimize(loss + 0.2 * penalty))
    problem.solve(solver=cp.CLARABEL)
    model = BlockSparse(0.2, q=q, tol=1e-8).fit(X, Y)
    found = reference.squared_loss(X, Y, model.coef_)
    found += 0.2 * reference.block_sparse(model.coef_, q)
    assert_allclose(found, problem.value, rtol=1e-5)
    assert found - problem.value <= model.dual_gap_ + 1e-6


@pytest.mark.parametrize("q", [1, 2, np.inf])
def test_from_the_first_strength_of_the_path_on_every_coefficient_is_zero(q: float) -> None:
    X, Y, _ = shared_features()
    path = BlockSparseCV(q=q, alphas=3, cv=2).fit(X, with_gaps(Y)).alphas_
    assert not BlockSparse(path[0, 0] * (1 + 1e-9), q=q).fit(X, with_gaps(Y)).coef_.any()
    assert BlockSparse(path[0, 0] * 0.98, q=q).fit(X, with_gaps(Y)).coef_.any()


def test_without_strength_each_task_is_least_squares() -> None:
    X, Y, _ = shared_features()
    plain = LinearRegression().fit(X, Y)
    assert_allclose(BlockSparse(0.0, tol=1e-12).fit(X, Y).coef_, plain.coef_, atol=1e-8)
    assert_allclose(BlockSparse(1e-9, tol=1e-12).fit(X, Y).coef_, plain.coef_, atol=1e-6)


def test_planted_features_are_found() -> None:
    for seed in range(20):
        X, Y, coef = shared_features(seed, n_features=50, n_tasks=10)
        found = BlockSparse(0.2 * largest(X, Y)).fit(X, with_gaps(Y, seed)).coef_
        assert (found.any(axis=0) == coef.any(axis=0)).all()


def test_one_task_is_the_lasso_with_logistic_loss_too() -> None:
    X, Y, _ = shared_features()
    labels = (Y[:, 0] > 2).astype(int)
    ours = BlockSparseClassifier(0.05, tol=1e-10, max_iter=20_000).fit(X, labels)
    theirs = LogisticRegression(
        l1_ratio=1.0, C=1 / (0.05 * len(X)), solver="saga", tol=1e-10, max_iter=100_000
    ).fit(X, labels)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("loss", ["huber", "poisson"])
def test_other_losses_meet_their_optimality(loss: str) -> None:
    X, Y, _ = shared_features(n_features=90)
    Y = np.round(np.abs(Y)).astype(np.float64)
    model = BlockSparse(0.3, loss=loss, tol=1e-8, max_iter=5000).fit(X, with_gaps(Y))
    assert model.optimality_ <= 1e-8
    assert 0 < model.coef_.any(axis=0).sum() < 90


def test_working_sets_end_where_all_features_at_once_do() -> None:
    X, Y, _ = shared_features(n_features=200)
    wide = BlockSparse(0.1, tol=1e-10).fit(X, with_gaps(Y))
    narrow = BlockSparse(0.1, tol=1e-10).fit(X[:, wide.coef_.any(axis=0)], with_gaps(Y))
    assert_allclose(wide.coef_[:, wide.coef_.any(axis=0)], narrow.coef_, atol=1e-6)


def test_a_path_with_warm_starts_ends_where_cold_fits_do() -> None:
    X, Y, _ = shared_features(n_features=80)
    warm = BlockSparse(1.0, warm_start=True, tol=1e-10)
    for alpha in np.geomspace(1.0, 0.05, 10):
        warm.set_params(alpha=alpha).fit(X, Y)
    cold = BlockSparse(0.05, tol=1e-10).fit(X, Y)
    assert_allclose(warm.coef_, cold.coef_, atol=1e-6)
    again = warm.fit(X, Y)
    assert again.n_iter_ <= 5
