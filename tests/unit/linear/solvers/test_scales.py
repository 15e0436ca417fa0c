"""Features of any scales: fits converge, and their gaps are honest and tight."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.contracts._linear_cases import CLASSIFIERS, REGRESSORS
from tests.unit.linear._problems import Array

from ramify.linear import (
    BlockSparse,
    BlockSparseClassifier,
    Dirty,
    DirtyClassifier,
    TraceNorm,
    TraceNormClassifier,
)
from ramify.linear.estimators._base import MultiTaskModel

SCALES = np.geomspace(1e-3, 1e3, 12)
PENALTIES: dict[str, tuple[MultiTaskModel, Callable[[Any], float]]] = {
    "q=1": (BlockSparse(q=1), lambda m: np.abs(m.coef_).sum()),
    "q=2": (BlockSparse(q=2), lambda m: np.linalg.norm(m.coef_, axis=0).sum()),
    "q=inf": (BlockSparse(q=np.inf), lambda m: np.abs(m.coef_).max(axis=0).sum()),
    "trace norm": (TraceNorm(), lambda m: float(np.linalg.norm(m.coef_, "nuc"))),
    "dirty": (
        Dirty(entry_ratio=0.5),
        lambda m: np.abs(m.shared_coef_).max(axis=0).sum() + 0.5 * np.abs(m.own_coef_).sum(),
    ),
}

CLASSIFIER_OF: dict[str, MultiTaskModel] = {
    "q=2": BlockSparseClassifier(q=2),
    "q=inf": BlockSparseClassifier(q=np.inf),
    "trace norm": TraceNormClassifier(),
    "dirty": DirtyClassifier(entry_ratio=0.5),
}


def problem(scales: Array) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    coef = rng.normal(size=(5, 12))
    X = rng.normal(size=(150, 12))
    return X * scales, X @ coef.T + rng.normal(size=(150, 5))


@pytest.mark.parametrize("name", sorted(REGRESSORS))
@pytest.mark.parametrize("classifies", [True, False])
def test_a_fit_converges_at_any_scales(name: str, classifies: bool) -> None:
    X, Y = problem(SCALES)
    model: MultiTaskModel = (CLASSIFIERS if classifies else REGRESSORS)[name]
    for alpha in (0.01, 0.1):
        fitted = model.set_params(alpha=alpha).fit(X, Y > 0 if classifies else Y)
        assert fitted.optimality_ <= fitted.tol


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("alpha", [0.3, 0.03])
def test_a_gap_bounds_what_is_missing_and_not_by_far(name: str, alpha: float) -> None:
    template, penalty = PENALTIES[name]

    def objective(model: MultiTaskModel) -> float:
        errors = Y - X @ model.coef_.T - model.intercept_
        return float(0.5 * (errors**2).mean(axis=0).sum() + alpha * penalty(model))

    X, Y = problem(SCALES)
    model = template.set_params(alpha=alpha, max_iter=100_000)
    least = objective(model.set_params(tol=3e-9).fit(X, Y))  # near what rounding leaves
    loss = 0.5 * float(Y.var(axis=0).sum())
    for tol in (1e-3, 1e-6):
        model.set_params(tol=tol).fit(X, Y)
        assert objective(model) - least <= model.dual_gap_ + 3e-9 * loss
        # The errors scaled as they are gave a gap of 7e-3 here after 50,000 steps.
        assert model.n_iter_ <= 2500


def test_scaled_features_give_scaled_coefficients_where_the_penalty_follows() -> None:
    """One feature and one task: the lasso at twice the scale and strength is half as large."""
    X, Y = problem(np.ones(12))
    plain = BlockSparse(0.1, q=1, tol=1e-10).fit(X, Y).coef_
    assert_allclose(BlockSparse(100.0, q=1, tol=1e-10).fit(1e3 * X, Y).coef_, plain / 1e3)


@pytest.mark.parametrize("name", sorted(set(PENALTIES) - {"trace norm"}))
def test_where_features_are_more_than_rows_steps_have_an_end(name: str) -> None:
    """Flat directions, of which rounding may make a steep way down."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(15, 30)).astype(float)
    Y = rng.integers(0, 3, size=(15, 2)).astype(float)
    template, penalty = PENALTIES[name]
    model = template.set_params(alpha=1e-4, max_iter=20_000, tol=1e-6).fit(X, Y)
    assert 1e-4 * penalty(model) <= 0.5 * Y.var(axis=0).sum()
    assert model.dual_gap_ <= 1e-6 * 0.5 * Y.var(axis=0).sum()


@pytest.mark.parametrize("name", ["q=2", "q=inf", "trace norm", "dirty"])
def test_classifiers_reach_the_optimum_of_a_convex_solver(name: str) -> None:
    """Features of scales from 1e-3 to 1e3, where fits stopped 38 % above it."""
    cp: Any = pytest.importorskip("cvxpy")
    X, Y = problem(SCALES)
    signs, alpha = np.where(Y > 0, 1.0, -1.0), 0.02
    scaled, shared, own = X / SCALES, cp.Variable((5, 12)), cp.Variable((5, 12))
    in_unit = shared @ np.diag(1 / SCALES)
    penalties = {
        "q=2": cp.sum(cp.norm(in_unit, 2, axis=0)),
        "q=inf": cp.sum(cp.norm(in_unit, "inf", axis=0)),
        "trace norm": cp.normNuc(in_unit),
        "dirty": cp.sum(cp.norm(in_unit, "inf", axis=0))
        + 0.5 * cp.sum(cp.abs(own @ np.diag(1 / SCALES))),
    }
    coef = shared + own if name == "dirty" else shared
    margins = scaled @ coef.T + np.ones((150, 1)) @ cp.reshape(cp.Variable(5), (1, 5), order="C")
    loss = cp.sum(cp.logistic(cp.multiply(-signs, margins))) / 150
    least = cp.Problem(cp.Minimize(loss + alpha * penalties[name])).solve(solver=cp.CLARABEL)
    model = CLASSIFIER_OF[name].set_params(alpha=alpha).fit(X, signs)
    found = np.logaddexp(0, -signs * (X @ model.coef_.T + model.intercept_)).sum() / 150
    found += alpha * PENALTIES[name][1](model)
    assert found <= least + model.dual_gap_ + 1e-6
    assert found <= 1.0001 * least
