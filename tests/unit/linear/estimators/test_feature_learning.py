"""Feature learning: the convex problem, its paper's alternation, and planted directions."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import linear_alternating as reference
from tests.unit.linear._alternating import centred, orthonormal, rows_of, shared

from ramify.linear import FeatureLearning, FeatureLearningClassifier

cp: Any = pytest.importorskip("cvxpy")

ALPHA = 0.1


@pytest.mark.parametrize("alpha", [0.01, 0.1, 1.0])
def test_objective_is_the_one_of_a_convex_solver(alpha: float) -> None:
    X, Y = centred()
    coef = cp.Variable((Y.shape[1], X.shape[1]))
    D = cp.Variable((X.shape[1], X.shape[1]), PSD=True)
    loss = cp.sum_squares(X @ coef.T - Y) / (2 * len(X))
    problem = cp.Problem(
        cp.Minimize(loss + alpha / 2 * cp.matrix_frac(coef.T, D)), [cp.trace(D) <= 1]
    )
    problem.solve(solver=cp.CLARABEL)
    model = FeatureLearning(alpha, tol=1e-8).fit(X, Y)
    found = reference.squared_loss(X, Y, model.coef_)
    found += alpha / 2 * float(np.linalg.norm(model.coef_, "nuc")) ** 2
    assert_allclose(found, problem.value, rtol=1e-5)
    assert_allclose(model.coef_, coef.value, atol=1e-3)


def test_logistic_objective_is_the_one_of_a_convex_solver() -> None:
    X, Y = centred()
    signs = np.where(Y > 0, 1, -1)
    coef, intercept = cp.Variable((Y.shape[1], X.shape[1])), cp.Variable((1, Y.shape[1]))
    margins = X @ coef.T + np.ones((len(X), 1)) @ intercept
    loss = cp.sum(cp.logistic(cp.multiply(-signs, margins))) / len(X)
    problem = cp.Problem(cp.Minimize(loss + ALPHA / 2 * cp.square(cp.normNuc(coef))))
    problem.solve(solver=cp.CLARABEL)
    model = FeatureLearningClassifier(ALPHA, tol=1e-8).fit(X, signs)
    margins = X @ model.coef_.T + model.intercept_
    found = np.logaddexp(0, -signs * margins).sum() / len(X)
    found += ALPHA / 2 * np.linalg.norm(model.coef_, "nuc") ** 2
    assert_allclose(found, problem.value, rtol=1e-5)


def test_alternation_of_the_paper_falls_towards_the_same_objective() -> None:
    X, Y = centred()

    def objective(coef: np.ndarray) -> float:
        penalty = ALPHA / 2 * np.linalg.norm(coef, "nuc") ** 2
        return reference.squared_loss(X, Y, coef) + float(penalty)

    turns = list(reference.feature_learning(X, Y, ALPHA, 200))
    smoothed = [value for _, value in turns]
    assert all(after <= before + 1e-9 for before, after in pairwise(smoothed))
    best = objective(FeatureLearning(ALPHA, tol=1e-9).fit(X, Y).coef_)
    last = objective(turns[-1][0])
    assert best <= last + 1e-9
    assert_allclose(last, best, rtol=1e-3)


def test_learned_metric_is_the_root_of_the_coefficients_square() -> None:
    model = FeatureLearning(ALPHA).fit(*shared())
    D = (model.components_.T * model.shares_) @ model.components_
    root = reference.matrix_root(model.coef_.T @ model.coef_)
    assert_allclose(D, root / np.trace(root), atol=1e-7)
    assert_allclose(model.components_ @ model.components_.T, np.eye(len(model.shares_)), atol=1e-9)


def test_planted_directions_are_found_in_twenty_draws() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        plane = orthonormal(2, 10, rng)
        data = rows_of(rng.normal(size=(12, 2)) @ plane, seed)
        model = FeatureLearning(0.1).fit(data.X, data.y, task=data.task)
        assert len(model.components_) <= 4
        cosines = np.linalg.svd(model.components_[:2] @ plane.T, compute_uv=False)
        assert cosines.min() > 0.97
        assert model.shares_[:2].sum() > 0.9


def test_coefficients_of_one_rank_are_those_of_ridge() -> None:
    X, Y = centred()
    same = np.outer(Y[:, 0], [1, -1])
    alone = np.linalg.solve(
        X.T @ X / len(X) + 2 * ALPHA * np.eye(X.shape[1]), X.T @ Y[:, 0] / len(X)
    )
    model = FeatureLearning(ALPHA, tol=1e-10).fit(X, same)
    # Two opposite tasks of norm w have the trace norm sqrt(2) w: each is shrunk as by 2 alpha / 2.
    half = np.linalg.solve(X.T @ X / len(X) + ALPHA * np.eye(X.shape[1]), X.T @ Y[:, 0] / len(X))
    assert_allclose(model.coef_, [half, -half], atol=1e-5)
    assert np.linalg.norm(half) > np.linalg.norm(alone)
