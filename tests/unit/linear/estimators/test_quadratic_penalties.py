"""Mean- and graph-regularised models: closed forms, limits, and rivals with one task."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from tests.references import linear as reference
from tests.unit.linear._problems import shared_features, stacked, with_gaps

from ramify.linear import (
    GraphRegularized,
    GraphRegularizedClassifier,
    MeanRegularized,
    MeanRegularizedClassifier,
    MeanRegularizedCV,
)
from ramify.linear.losses._gram_loss import GramLoss
from ramify.linear.losses._objective import LabelledRows, Objective
from ramify.linear.losses._pointwise import LOSSES
from ramify.linear.solvers._mean_coupled_ridge import (
    coupled_by_mean,
    coupled_over_rows,
    has_few_rows,
)

CHAIN = np.array(
    [[0, 2, 0, 0, 0], [2, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 3], [0, 0, 0, 3, 0]],
    dtype=float,
)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("strengths", [(0.5, 0.3), (100.0, 0.01), (0.01, 10.0)])
def test_mean_regularised_is_its_closed_form(gaps: bool, strengths: tuple[float, float]) -> None:
    X, Y, _ = shared_features()
    Y = with_gaps(Y) if gaps else Y
    alpha, mean_alpha = strengths
    mean = np.full((5, 5), 1 / 5)
    coupling = 2 / 5 * (mean_alpha * mean + alpha * (np.eye(5) - mean))
    model = MeanRegularized(alpha, mean_alpha=mean_alpha, tol=1e-12).fit(X, Y)
    assert_allclose(model.coef_, reference.coupled_ridge(X, Y, coupling), atol=1e-9)


@pytest.mark.parametrize("gaps", [False, True])
def test_graph_regularised_is_its_closed_form(gaps: bool) -> None:
    X, Y, _ = shared_features()
    Y = with_gaps(Y) if gaps else Y
    coupling = 0.7 * (np.diag(CHAIN.sum(axis=1)) - CHAIN) + 0.2 * np.eye(5)
    model = GraphRegularized(0.7, graph=CHAIN, ridge=0.2, tol=1e-12).fit(X, Y)
    assert_allclose(model.coef_, reference.coupled_ridge(X, Y, coupling), atol=1e-9)


def test_evgeniou_and_pontils_strengths_follow() -> None:
    first, second, n_tasks = 0.6, 0.4, 5
    X, Y, _ = shared_features()
    ridge = first * second / (n_tasks * (first + second))
    apart = first**2 / (n_tasks * (first + second))
    ours = MeanRegularized(n_tasks * (ridge + apart), mean_alpha=n_tasks * ridge, tol=1e-12).fit(
        X, Y
    )

    def theirs(common: np.ndarray, own: np.ndarray) -> float:
        loss = reference.squared_loss(X, Y, common + own)
        return float(loss + first / n_tasks * (own**2).sum() + second * (common**2).sum())

    common = first / (first + second) * ours.coef_.mean(axis=0)
    best = theirs(common, ours.coef_ - common)
    for seed in range(50):
        rng = np.random.default_rng(seed)
        moved = common + 1e-3 * rng.normal(size=12)
        own = ours.coef_ - common + 1e-3 * rng.normal(size=(5, 12))
        assert theirs(moved, own) >= best


def test_without_strength_each_task_is_least_squares() -> None:
    X, Y, _ = shared_features()
    plain = LinearRegression().fit(X, Y)
    loose = MeanRegularized(0.0, mean_alpha=0.0, tol=1e-12).fit(X, Y)
    assert_allclose(loose.coef_, plain.coef_, atol=1e-8)
    assert_allclose(loose.intercept_, plain.intercept_, atol=1e-8)
    free = GraphRegularized(0.0, ridge=0.0, tol=1e-12).fit(X, with_gaps(Y))
    for t in range(5):
        rows = ~np.isnan(with_gaps(Y)[:, t])
        assert_allclose(free.coef_[t], LinearRegression().fit(X[rows], Y[rows, t]).coef_, atol=1e-7)


def test_a_strong_coupling_pools_the_tasks() -> None:
    X, Y, _ = shared_features()
    inputs, labels, task = stacked(X, with_gaps(Y))
    model = MeanRegularized(
        1e7, mean_alpha=0.0, fit_intercept=False, normalisation="sum", tol=1e-9
    ).fit(inputs, labels, task=task)
    pooled = LinearRegression(fit_intercept=False).fit(inputs, labels)
    assert_allclose(model.coef_, np.tile(pooled.coef_, (5, 1)), atol=1e-3)


@pytest.mark.parametrize("strengths", [(0.5, 0.3), (1e4, 0.01), (0.01, 10.0), (0.1, 0.0)])
def test_the_system_of_the_mean_is_that_of_all_tasks(strengths: tuple[float, float]) -> None:
    X, Y, _ = shared_features()
    Y = with_gaps(Y)
    apart, together = strengths
    mean = np.full((5, 5), 1 / 5)
    objective = Objective([LOSSES["squared"]] * 5, np.ones(5), True, True)
    labelled = ~np.isnan(Y)
    rows = LabelledRows(X, np.where(labelled, Y, 0), 1.0 * labelled, np.arange(len(X)))
    loss = objective.loss_of(rows).condensed()
    assert isinstance(loss, GramLoss)
    coupling = together * mean + apart * (np.eye(5) - mean)
    expected = reference.coupled_ridge(X, Y, coupling)
    assert_allclose(coupled_by_mean(loss, apart, together), expected, atol=1e-9)


@pytest.mark.parametrize(
    "strengths", [(0.5, 0.3), (1e4, 0.01), (0.01, 10.0), (0.3, 0.3), (1e-6, 1.0)]
)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("build", [np.asarray, sp.csr_array])
def test_few_rows_per_task_are_solved_over_rows(
    strengths: tuple[float, float], fit_intercept: bool, build: Callable[..., Any]
) -> None:
    """Forty features, and tasks of 1 to 12 rows of weights that differ, one of them 0."""
    rng = np.random.default_rng(0)
    counts = np.array([12, 1, 7, 9, 5])
    n_rows = int(counts.sum())
    X, y = rng.normal(size=(n_rows, 40)) + 2, rng.normal(size=n_rows)
    weights = rng.integers(0, 3, size=n_rows).astype(np.float64)
    weights[12] = 1.0
    objective = Objective(
        [LOSSES["squared"]] * 5, np.array([1.0, 1.0, 2.0, 0.0, 0.5]), True, fit_intercept
    )
    loss = objective.loss_of(LabelledRows(build(X), y, weights, np.arange(n_rows), counts))
    apart, together = strengths
    assert has_few_rows(loss)
    found = coupled_over_rows(loss, apart, together, 1e-13)
    gradient = loss.value_and_gradient(found)[1]
    gradient += apart * found + (together - apart) * found.mean(axis=0)
    assert np.linalg.norm(gradient) <= 1e-10 * np.linalg.norm(loss.at_zero[1])


def test_many_sparse_rows_per_task_are_not_solved_over_rows() -> None:
    X = sp.random_array((200, 500), density=0.01, rng=np.random.default_rng(0), format="csr")
    objective = Objective([LOSSES["squared"]] * 2, np.ones(2), True, True)
    counts, ones = np.array([100, 100]), np.ones(200)
    assert not has_few_rows(objective.loss_of(LabelledRows(X, ones, ones, np.arange(200), counts)))


@pytest.mark.parametrize("strengths", [(1e8, 0.1), (0.0, 0.1), (0.1, 0.0), (0.0, 0.0)])
def test_constant_features_of_tasks_with_their_own_rows_are_unused(
    strengths: tuple[float, float],
) -> None:
    X, Y, _ = shared_features()
    X[:, -1] = 7.0
    inputs, labels, task = stacked(X, with_gaps(Y))
    alpha, mean_alpha = strengths
    model = MeanRegularized(alpha, mean_alpha=mean_alpha).fit(inputs, labels, task=task)
    assert_allclose(model.coef_[:, -1], 0, atol=1e-8)


def test_rows_in_a_small_unit_have_a_path_of_their_own() -> None:
    X, Y, _ = shared_features()
    model = MeanRegularizedCV(alphas=3, cv=2, mean_alpha=0.0).fit(X, Y)
    small = MeanRegularizedCV(alphas=3, cv=2, mean_alpha=0.0).fit(1e-8 * X, Y)
    assert_allclose(small.alphas_, 1e-16 * model.alphas_)
    assert_allclose(1e-8 * small.coef_, model.coef_, rtol=1e-4)


def test_joined_tasks_are_pooled_and_others_left_alone() -> None:
    X, Y, _ = shared_features()
    model = GraphRegularized(1e5, graph=CHAIN, ridge=0.0, tol=1e-8).fit(X, Y)
    assert_allclose(model.coef_[0], model.coef_[2], atol=1e-3)
    assert_allclose(model.coef_[3], model.coef_[4], atol=1e-3)
    assert np.abs(model.coef_[0] - model.coef_[3]).max() > 0.1


def test_one_task_is_ridge_logistic_or_poisson_regression() -> None:
    X, Y, _ = shared_features()
    y, ridge = Y[:, 0], 0.3
    n_rows = len(y)
    linear = GraphRegularized(1.0, ridge=ridge, tol=1e-12).fit(X, y)
    assert_allclose(linear.coef_[0], Ridge(n_rows * ridge).fit(X, y).coef_, atol=1e-8)
    labels = y > 2
    classifier = GraphRegularizedClassifier(1.0, ridge=ridge, tol=1e-10).fit(X, labels)
    rival = LogisticRegression(C=1 / (n_rows * ridge), tol=1e-10, max_iter=10_000).fit(X, labels)
    assert_allclose(classifier.coef_, rival.coef_, atol=1e-6)
    assert_allclose(classifier.predict_proba(X), rival.predict_proba(X), atol=1e-6)
    counts = np.round(np.abs(y))
    poisson = GraphRegularized(1.0, ridge=ridge, loss="poisson", tol=1e-10).fit(X, counts)
    peer = PoissonRegressor(alpha=ridge, tol=1e-10, max_iter=10_000).fit(X, counts)
    assert_allclose(poisson.coef_[0], peer.coef_, atol=1e-6)
    assert_allclose(poisson.predict(X), peer.predict(X), rtol=1e-6)


def test_huber_is_robust_where_squared_is_not() -> None:
    X, Y, coef = shared_features(n_rows=100)
    Y[::10] += 30
    robust = MeanRegularized(0.01, mean_alpha=0.0, loss="huber").fit(X, Y)
    plain = MeanRegularized(0.01, mean_alpha=0.0).fit(X, Y)
    assert np.abs(robust.coef_ - coef).max() < 0.5 * np.abs(plain.coef_ - coef).max()


def test_sums_weigh_tasks_by_their_rows() -> None:
    X, Y, _ = shared_features()
    n_rows = len(X)
    mean = MeanRegularized(0.5, mean_alpha=0.1, tol=1e-12).fit(X, Y)
    total = MeanRegularized(
        0.5 * n_rows, mean_alpha=0.1 * n_rows, normalisation="sum", tol=1e-12
    ).fit(X, Y)
    assert_allclose(mean.coef_, total.coef_, atol=1e-9)


def test_wide_sparse_rows_use_no_large_matrix() -> None:
    rng = np.random.default_rng(0)
    X = sp.random_array((200, 3000), density=0.01, rng=rng, format="csr")
    task = np.arange(200) % 4
    y = np.asarray(X.sum(axis=1)).ravel() + task
    model = MeanRegularized(0.1, mean_alpha=0.1).fit(X, y, task=task)
    dense = MeanRegularized(0.1, mean_alpha=0.1).fit(X.toarray(), y, task=task)
    assert_allclose(model.coef_, dense.coef_, atol=1e-6)
    labels = y > np.median(y)
    classifier = MeanRegularizedClassifier(0.1).fit(X, labels, task=task)
    assert classifier.score(X, labels, task=task) > 0.8
