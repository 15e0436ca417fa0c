"""The loss of all tasks: rows and Gram matrices agree, derivatives and bounds hold."""

from collections.abc import Sequence

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from tests.unit.linear._problems import shared_features, stacked, with_gaps

from ramify.linear.losses._objective import HeldOut, LabelledRows, Objective
from ramify.linear.losses._pointwise import Huber, Logistic, Loss, Poisson, Squared
from ramify.linear.losses._row_loss import RowLoss

N_TASKS = 4
LOSSES: dict[str, Sequence[Loss]] = {
    "squared": [Squared()] * N_TASKS,
    "logistic": [Logistic()] * N_TASKS,
    "huber": [Huber(0.5)] * N_TASKS,
    "poisson": [Poisson()] * N_TASKS,
    "mixed": [Squared(), Logistic(), Huber(0.5), Poisson()],
}
every_loss = pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
every_form = pytest.mark.parametrize("form", ["shared", "gaps", "stacked", "sparse"])


def rows_in(form: str, losses: Sequence[Loss]) -> LabelledRows:
    X, Y, _ = shared_features(n_features=5, n_tasks=N_TASKS, n_rows=25)
    for t, loss in enumerate(losses):
        if isinstance(loss, Logistic):
            Y[:, t] = np.sign(Y[:, t] - np.median(Y[:, t]) + 1e-9)
        if isinstance(loss, Poisson):
            Y[:, t] = np.round(np.abs(Y[:, t]))
    if form != "shared":
        Y = with_gaps(Y)
    if form in {"shared", "gaps"}:
        known = ~np.isnan(Y)
        return LabelledRows(X, np.where(known, Y, 0.0), known * 1.0, np.arange(len(X)))
    inputs, y, task = stacked(X, Y)
    order = np.argsort(task, kind="stable")
    counts = np.bincount(task, minlength=N_TASKS)
    given = sp.csr_array(inputs[order]) if form == "sparse" else inputs[order]
    return LabelledRows(given, y[order], np.ones(len(y)), order, counts)


def loss_in(form: str, losses: Sequence[Loss], intercept: bool = True) -> RowLoss:
    objective = Objective(losses, np.array([1.0, 2.0, 0.5, 1.0]), True, intercept)
    return objective.loss_of(rows_in(form, losses))


def coefficients(seed: int = 0) -> NDArray[np.float64]:
    return 0.3 * np.random.default_rng(seed).normal(size=(N_TASKS, 5))


@every_loss
@every_form
@pytest.mark.parametrize("intercept", [True, False])
def test_the_gradient_is_the_derivative(form: str, losses: Sequence[Loss], intercept: bool) -> None:
    loss, coef = loss_in(form, losses, intercept), coefficients()
    value, gradient = loss.value_and_gradient(coef)
    assert_allclose(value, loss.value(coef))
    for seed in range(3):
        way = coefficients(seed + 1)
        rise = loss.value(coef + 1e-5 * way) - loss.value(coef - 1e-5 * way)
        assert_allclose(np.vdot(gradient, way), rise / 2e-5, rtol=1e-5, atol=1e-8)


@every_loss
@every_form
def test_the_curvature_is_the_derivative_of_the_gradient(form: str, losses: Sequence[Loss]) -> None:
    if any(isinstance(loss, Huber) for loss in losses):
        pytest.skip("Huber's curvature is that of a quadratic model above")
    loss, coef, way = loss_in(form, losses), coefficients(), coefficients(1)
    ahead = loss.value_and_gradient(coef + 1e-5 * way)[1]
    behind = loss.value_and_gradient(coef - 1e-5 * way)[1]
    bent = loss.curvature(coef)(way)
    assert_allclose(bent, (ahead - behind) / 2e-5, rtol=1e-5, atol=1e-8)


@every_loss
@every_form
def test_blocks_and_diagonals_are_the_curvature(form: str, losses: Sequence[Loss]) -> None:
    curvature, way = loss_in(form, losses).curvature(coefficients()), coefficients(1)
    blocks = curvature.blocks()
    assert_allclose(np.einsum("tij,tj->ti", blocks, way), curvature(way), atol=1e-10)
    diagonals = np.diagonal(blocks, axis1=1, axis2=2)
    assert_allclose(curvature.diagonals(), diagonals, atol=1e-10)


def test_tasks_that_share_rows_and_weights_have_one_block() -> None:
    rows, coef, way = rows_in("shared", LOSSES["squared"]), coefficients(), coefficients(1)
    loss = Objective(LOSSES["squared"], np.ones(N_TASKS), True, True).loss_of(rows)
    curvature = loss.curvature(coef)
    assert curvature.blocks().shape == (5, 5)
    assert_allclose(way @ curvature.blocks(), curvature(way), atol=1e-10)


@every_loss
@every_form
def test_intercepts_are_the_best_ones(form: str, losses: Sequence[Loss]) -> None:
    rows, coef = rows_in(form, losses), coefficients()
    objective = Objective(losses, np.ones(N_TASKS), True, True)
    best = objective.loss_of(rows).intercepts(coef)
    held_out = HeldOut(objective, rows)
    at_best = held_out.loss(coef, best)
    assert_allclose(at_best, objective.loss_of(rows).value(coef))
    for t in range(N_TASKS):
        for change in (-1e-2, 1e-2):
            assert held_out.loss(coef, best + change * np.eye(N_TASKS)[t]) >= at_best - 1e-10


@every_form
@pytest.mark.parametrize("intercept", [True, False])
def test_gram_matrices_give_what_rows_give(form: str, intercept: bool) -> None:
    rows = loss_in(form, LOSSES["squared"], intercept)
    grams, coef = rows.condensed(), coefficients()
    assert grams is not rows
    assert_allclose(grams.value(coef), rows.value(coef))
    assert_allclose(grams.value_and_gradient(coef)[1], rows.value_and_gradient(coef)[1], atol=1e-12)
    assert_allclose(grams.intercepts(coef), rows.intercepts(coef))
    assert_allclose(grams.dual_value(coef, 0.3), rows.dual_value(coef, 0.3))
    assert_allclose(grams.curvature(coef)(coef), rows.curvature(coef)(coef), atol=1e-12)
    assert_allclose(grams.steepness(), rows.steepness(), rtol=0.05)


@every_loss
@every_form
def test_leaving_features_out_is_giving_them_no_coefficient(
    form: str, losses: Sequence[Loss]
) -> None:
    loss, features = loss_in(form, losses), np.array([0, 3])
    narrow, coef = loss.restricted(features), coefficients()[:, [0, 3]]
    wide = np.zeros((N_TASKS, 5))
    wide[:, features] = coef
    value, gradient = loss.value_and_gradient(wide)
    narrow_value, narrow_gradient = narrow.value_and_gradient(coef)
    assert_allclose(narrow_value, value)
    assert_allclose(narrow_gradient, gradient[:, features], atol=1e-12)
    assert_allclose(narrow.intercepts(coef), loss.intercepts(wide))


@every_loss
@every_form
def test_the_dual_value_bounds_the_loss_plus_the_norm(form: str, losses: Sequence[Loss]) -> None:
    loss = loss_in(form, losses)
    for seed in range(3):
        coef = coefficients(seed)
        gradient = loss.value_and_gradient(coef)[1]
        largest = np.abs(gradient).max()
        bound = loss.dual_value(coef, 0.5)
        for other in range(5):
            point = coefficients(other)
            assert bound <= loss.value(point) + 0.5 * largest * np.abs(point).sum() + 1e-12


def test_a_task_without_rows_takes_the_mean_intercept_of_the_others() -> None:
    rows = rows_in("stacked", LOSSES["squared"])
    objective = Objective(LOSSES["squared"], np.ones(N_TASKS), True, True)
    kept = np.arange(int(rows.counts[:3].sum()))  # type: ignore[index]
    loss = objective.loss_of(rows.take(kept))
    nothing = np.zeros((N_TASKS, 5))
    intercepts = loss.intercepts(nothing)
    assert_allclose(intercepts[3], intercepts[:3].mean())


def test_large_sums_of_logistic_losses_keep_their_intercepts_finite() -> None:
    X, Y, _ = shared_features(n_features=5, n_tasks=N_TASKS, n_rows=25)
    rows = LabelledRows(X, np.sign(Y - 2), np.ones(Y.shape), np.arange(len(X)))
    loss = Objective(LOSSES["logistic"], np.ones(N_TASKS), False, True).loss_of(rows)
    assert np.isfinite(loss.intercepts(50 * coefficients())).all()
