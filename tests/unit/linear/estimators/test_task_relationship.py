"""Task relations: the convex problem, its paper's alternation, and planted relations."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import linear_alternating as reference
from tests.unit.linear._alternating import Array, centred, rows_of, shared

from ramify.linear import (
    FeatureLearning,
    TaskRelationship,
    TaskRelationshipClassifier,
    TaskRelationshipCV,
)

cp: Any = pytest.importorskip("cvxpy")

ALPHA, RIDGE = 0.1, 0.3


def objective(X: Array, Y: Array, coef: Array, ridge: float = RIDGE) -> float:
    penalty = np.linalg.norm(coef, "nuc") ** 2 + ridge * (coef**2).sum()
    return reference.squared_loss(X, Y, coef) + ALPHA / 2 * float(penalty)


@pytest.mark.parametrize("ridge", [0.0, 0.3, 3.0])
def test_objective_is_the_one_of_a_convex_solver(ridge: float) -> None:
    X, Y = centred()
    coef = cp.Variable((Y.shape[1], X.shape[1]))
    omega = cp.Variable((Y.shape[1], Y.shape[1]), PSD=True)
    loss = cp.sum_squares(X @ coef.T - Y) / (2 * len(X))
    penalty = ridge * cp.sum_squares(coef) + cp.matrix_frac(coef, omega)
    problem = cp.Problem(cp.Minimize(loss + ALPHA / 2 * penalty), [cp.trace(omega) <= 1])
    problem.solve(solver=cp.CLARABEL)
    model = TaskRelationship(ALPHA, ridge=ridge, tol=1e-8).fit(X, Y)
    assert_allclose(objective(X, Y, model.coef_, ridge), problem.value, rtol=1e-5)
    assert_allclose(model.task_covariance_, omega.value, atol=1e-2)


def test_alternation_of_the_paper_falls_towards_the_same_objective() -> None:
    X, Y = centred()
    turns = list(reference.task_relationship(X, Y, ALPHA, RIDGE, 100))
    values = [objective(X, Y, coef) for coef, _ in turns]
    assert all(after <= before + 1e-9 for before, after in pairwise(values[1:]))
    model = TaskRelationship(ALPHA, ridge=RIDGE, tol=1e-9).fit(X, Y)
    assert_allclose(values[-1], objective(X, Y, model.coef_), rtol=1e-5)
    assert_allclose(model.task_covariance_, turns[-1][1], atol=1e-3)


def test_covariance_is_symmetric_positive_and_of_trace_one() -> None:
    model = TaskRelationship(ALPHA).fit(*shared())
    assert_allclose(model.task_covariance_, model.task_covariance_.T)
    assert np.linalg.eigvalsh(model.task_covariance_).min() > -1e-12
    assert_allclose(np.trace(model.task_covariance_), 1)
    assert_allclose(np.diagonal(model.task_affinity_), 1)
    assert np.abs(model.task_affinity_).max() <= 1


def test_without_ridge_coefficients_are_those_of_feature_learning() -> None:
    X, Y = shared()
    related = TaskRelationship(ALPHA, ridge=0, tol=1e-9).fit(X, Y)
    assert_allclose(related.coef_, FeatureLearning(ALPHA, tol=1e-9).fit(X, Y).coef_, atol=1e-5)


def test_alike_opposed_and_unrelated_tasks_are_told_apart_in_twenty_draws() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        along, across = np.linalg.qr(rng.normal(size=(8, 2)))[0].T
        data = rows_of(np.stack([along, along, -along, across]), seed, n_rows=40)
        affinity = TaskRelationship(0.1).fit(data.X, data.y, task=data.task).task_affinity_
        assert affinity[0, 1] > 0.9
        assert affinity[0, 2] < -0.9
        assert np.abs(affinity[3, :3]).max() < 0.35


@pytest.mark.parametrize("n_features", [30, 300])
def test_planted_correlations_are_recovered(n_features: int) -> None:
    """The paper's own reading of .8 is .5."""
    planted = np.array([[1, 0.8, -0.3, 0], [0.8, 1, -0.3, 0], [-0.3, -0.3, 1, 0], [0, 0, 0, 1]])
    for seed in range(3):
        rng = np.random.default_rng(seed)
        axes = np.linalg.qr(rng.normal(size=(n_features, 4)))[0].T
        coef = np.linalg.cholesky(planted) @ axes
        X = rng.normal(size=(600, n_features))
        Y = X @ coef.T + 0.1 * rng.normal(size=(600, 4))
        for model in (TaskRelationship(0.01), TaskRelationshipCV(alphas=5, cv=3)):
            assert_allclose(model.fit(X, Y).task_affinity_, planted, atol=0.1)


def test_opposite_labels_give_a_negative_relation() -> None:
    X, Y = shared()
    signs = np.where(Y[:, :1] > np.median(Y[:, 0]), 1, 0)
    model = TaskRelationshipClassifier(0.1).fit(X, np.hstack([signs, 1 - signs]))
    assert_allclose(model.task_affinity_, [[1, -1], [-1, 1]], atol=1e-3)


def test_a_task_without_coefficients_relates_to_none() -> None:
    X, Y = shared()
    Y[:, 2] = 5.0
    affinity = TaskRelationship(ALPHA).fit(X, Y).task_affinity_
    assert_allclose(np.delete(affinity[2], 2), 0, atol=1e-6)
