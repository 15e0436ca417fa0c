"""Clustered tasks: the convex relaxation, its limits, and planted clusters."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import linear_alternating as reference
from tests.unit.linear._alternating import Array, centred, rows_of

from ramify._core import InputError
from ramify.linear import ClusteredTasks, ClusteredTasksClassifier
from ramify.linear.penalties._spectral import ClusterPenalty
from ramify.linear.solvers._group_search import clusters_of, in_order_of_appearance

cp: Any = pytest.importorskip("cvxpy")

ALPHA, BETWEEN, MEAN, N_CLUSTERS = 0.3, 0.2, 0.05, 2
PENALTY = ClusterPenalty(ALPHA * MEAN, ALPHA * BETWEEN, ALPHA, N_CLUSTERS)


def model(tol: float = 1e-9) -> ClusteredTasks:
    return ClusteredTasks(ALPHA, n_clusters=N_CLUSTERS, between=BETWEEN, mean=MEAN, tol=tol)


def relaxed(n_tasks: int, n_features: int) -> tuple[Any, Any, list[Any]]:
    """Coefficients, their penalty and what holds in it, with Σ and a fixed budget."""
    coef = cp.Variable((n_tasks, n_features))
    low, high = 1 / PENALTY.within, 1 / PENALTY.between
    variance = cp.Variable((n_tasks, n_tasks), PSD=True)
    identity = np.eye(n_tasks)
    budget = n_tasks * low + (N_CLUSTERS - 1) * (high - low)
    bounds = [variance >> low * identity, variance << high * identity]
    middle = np.full((n_tasks, n_tasks), 1 / n_tasks)
    spread = cp.matrix_frac((identity - middle) @ coef, variance)
    penalty = (PENALTY.mean * cp.sum_squares(middle @ coef) + spread) / 2
    return coef, penalty, [*bounds, cp.trace(variance) <= budget]


def test_objective_is_the_one_of_a_convex_solver() -> None:
    X, Y = centred()
    coef, penalty, bounds = relaxed(Y.shape[1], X.shape[1])
    loss = cp.sum_squares(X @ coef.T - Y) / (2 * len(X))
    problem = cp.Problem(cp.Minimize(loss + penalty), bounds)
    problem.solve(solver=cp.CLARABEL)
    found = model().fit(X, Y).coef_
    total = reference.squared_loss(X, Y, found) + PENALTY.value(found)
    assert_allclose(total, problem.value, rtol=1e-5)
    assert_allclose(found, coef.value, atol=1e-3)


def test_logistic_objective_is_the_one_of_a_convex_solver() -> None:
    X, Y = centred()
    signs = np.where(Y > 0, 1, -1)
    coef, penalty, bounds = relaxed(Y.shape[1], X.shape[1])
    intercept = cp.Variable((1, Y.shape[1]))
    margins = X @ coef.T + np.ones((len(X), 1)) @ intercept
    loss = cp.sum(cp.logistic(cp.multiply(-signs, margins))) / len(X)
    problem = cp.Problem(cp.Minimize(loss + penalty), bounds)
    problem.solve(solver=cp.CLARABEL)
    fitted = ClusteredTasksClassifier(
        ALPHA, n_clusters=N_CLUSTERS, between=BETWEEN, mean=MEAN, tol=1e-8
    ).fit(X, signs)
    own = -signs * (X @ fitted.coef_.T + fitted.intercept_)
    total = np.logaddexp(0, own).sum() / len(X) + PENALTY.value(fitted.coef_)
    assert_allclose(total, problem.value, rtol=1e-5)


def test_alternation_falls_to_the_same_coefficients_and_matrix() -> None:
    X, Y = centred()
    weights = (PENALTY.mean, PENALTY.between, PENALTY.within)
    turns = list(reference.clustered_tasks(X, Y, weights, N_CLUSTERS, 150))
    values = [reference.squared_loss(X, Y, coef) + PENALTY.value(coef) for coef, _ in turns]
    assert all(after <= before + 1e-9 for before, after in pairwise(values))
    fitted = model().fit(X, Y)
    assert_allclose(fitted.coef_, turns[-1][0], atol=1e-3)
    assert_allclose(fitted.task_affinity_, turns[-1][1], atol=1e-2)


def test_matrix_is_stationary_under_the_symmetric_gradient() -> None:
    X, Y = centred()
    fitted = model(1e-11).fit(X, Y)
    coef, M = fitted.coef_ - fitted.coef_.mean(axis=0), fitted.task_affinity_
    # With eta = between / (1 - between) the relaxed penalty is c tr(W' (eta I + M)^-1 W).
    inverse = np.linalg.inv(BETWEEN / (1 - BETWEEN) * np.eye(len(M)) + M)
    gradient = -inverse @ coef @ coef.T @ inverse

    def trace_at(matrix: Array) -> float:
        eta = BETWEEN / (1 - BETWEEN)
        return float(np.trace(coef.T @ np.linalg.solve(eta * np.eye(len(M)) + matrix, coef)))

    change = np.random.default_rng(0).normal(size=M.shape)
    change = (change + change.T) / 2
    slope = (trace_at(M + 1e-6 * change) - trace_at(M - 1e-6 * change)) / 2e-6
    assert_allclose(slope, np.vdot(gradient, change), rtol=1e-6)
    # No feasible direction leads down: the best feasible matrix for this slope is M itself.
    values = np.linalg.eigvalsh(gradient)
    assert np.vdot(gradient, M) <= values[: N_CLUSTERS - 1].sum() + 1e-4 * abs(values[0])


def test_planted_clusters_are_found_in_twenty_draws() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        groups = in_order_of_appearance(rng.permutation(np.arange(12) % 3))
        centres = 2 * np.linalg.qr(rng.normal(size=(8, 3)))[0].T
        data = rows_of(centres[groups] + 0.1 * rng.normal(size=(12, 8)), seed)
        fitted = ClusteredTasks(0.3, n_clusters=3).fit(data.X, data.y, task=data.task)
        assert fitted.groups_.tolist() == groups.tolist()
        same = groups[:, None] == groups
        assert fitted.task_affinity_[same].min() > fitted.task_affinity_[~same].max()


def test_one_cluster_pools_and_one_per_task_parts() -> None:
    X, Y = centred()
    n_tasks, gram = Y.shape[1], X.T @ X / len(X)
    pooled = ClusteredTasks(1e6, n_clusters=1, mean=1e-7, tol=1e-12).fit(X, Y)
    mean = np.linalg.solve(gram + 0.1 * np.eye(X.shape[1]), X.T @ Y.mean(axis=1) / len(X))
    assert_allclose(pooled.coef_, np.tile(mean, (n_tasks, 1)), atol=1e-4)
    parted = ClusteredTasks(1.0, n_clusters=n_tasks, between=0.1, mean=0.1, tol=1e-10).fit(X, Y)
    alone = np.linalg.solve(gram + 0.1 * np.eye(X.shape[1]), X.T @ Y / len(X))
    assert_allclose(parted.coef_, alone.T, atol=1e-4)
    assert parted.groups_.tolist() == list(range(n_tasks))


def test_clusters_of_a_projection_are_its_blocks() -> None:
    groups = np.array([0, 1, 0, 2, 1, 2, 2])
    indicator = np.eye(3)[groups] / np.sqrt(np.bincount(groups)[groups])[:, None]
    assert clusters_of(indicator @ indicator.T, 3).tolist() == groups.tolist()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"between": 2.0}, "between"),
        ({"mean": 0.5, "between": 0.1}, "mean"),
        ({"mean": 0.0}, "mean"),
        ({"n_clusters": 0}, "n_clusters"),
        ({"alpha": 0.0}, "alpha"),
    ],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, float], word: str) -> None:
    with pytest.raises(InputError, match=f"`{word}`"):
        ClusteredTasks(**settings).fit(*centred())  # type: ignore[arg-type]
