"""Laws of every model that learns how tasks relate."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from tests.unit.linear._alternating import MODELS, Array, shared

from ramify.linear import (
    METHODS,
    ClusteredTasks,
    FeatureLearning,
    TaskGrouping,
    TaskRelationship,
)
from ramify.linear.estimators._base import MultiTaskModel
from ramify.linear.losses import _quadratic_model
from ramify.linear.penalties._spectral import ClusterPenalty, SquaredTraceNorm

PENALTIES = {
    "clustered": ClusterPenalty(0.001, 0.01, 0.1, 2),
    "feature-learning": SquaredTraceNorm(0.1),
    "task-relationship": SquaredTraceNorm(0.1, 0.01),
}
every_model = pytest.mark.parametrize("name", MODELS)
every_convex = pytest.mark.parametrize("name", PENALTIES)


def model_of(name: str, *, classifies: bool = False) -> MultiTaskModel:
    settings = MODELS[name].get_params()
    method = METHODS[name]
    made = method.classifier if classifies else method.regressor
    return made(**{**settings, "tol": 1e-10 if name in PENALTIES else 1e-6})


def stacked(X: Array, Y: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    tasks = np.repeat(np.arange(Y.shape[1], dtype=np.int64), len(X))
    return np.tile(X, (Y.shape[1], 1)), Y.T.reshape(-1), tasks


@every_model
def test_both_forms_of_data_give_the_same_coefficients(name: str) -> None:
    X, Y = shared()
    rows, labels, tasks = stacked(X, Y)
    together = model_of(name).fit(X, Y)
    apart = model_of(name).fit(rows, labels, task=tasks)
    assert_allclose(together.coef_, apart.coef_, atol=1e-5)
    assert_allclose(together.intercept_, apart.intercept_, atol=1e-5)


@every_model
@pytest.mark.parametrize("classifies", [False, True])
def test_a_missing_label_is_a_row_left_out(name: str, classifies: bool) -> None:
    X, Y = shared()
    Y = np.where(Y > 1, 1.0, 0.0) if classifies else Y
    Y[np.random.default_rng(1).random(Y.shape) < 0.2] = np.nan
    rows, labels, tasks = stacked(X, Y)
    known = ~np.isnan(labels)
    together = model_of(name, classifies=classifies).fit(X, Y)
    apart = model_of(name, classifies=classifies)
    apart.fit(rows[known], labels[known], task=tasks[known])
    assert_allclose(together.coef_, apart.coef_, atol=1e-4)


@every_model
def test_renaming_tasks_renames_what_is_learned(name: str) -> None:
    X, Y = shared()
    order = np.array([3, 0, 4, 1, 2])
    straight, turned = model_of(name), model_of(name)
    if "n_init" in straight.get_params():
        # Starts are drawn in the order of the tasks; enough of them lead to the same end.
        straight.set_params(n_init=10)
        turned.set_params(n_init=10)
    straight.fit(X, Y)
    turned.fit(X, Y[:, order])
    assert_allclose(turned.coef_, straight.coef_[order], atol=1e-3)
    if hasattr(straight, "task_affinity_"):
        expected = straight.task_affinity_[np.ix_(order, order)]
        assert_allclose(turned.task_affinity_, expected, atol=1e-2)


@every_model
def test_a_row_of_weight_two_is_two_rows(name: str) -> None:
    X, Y = shared()
    weights = np.where(np.arange(len(X)) < 10, 2.0, 1.0)
    twice = np.concatenate([np.arange(len(X)), np.arange(10)])
    weighted = model_of(name).fit(X, Y, sample_weight=weights)
    assert_allclose(weighted.coef_, model_of(name).fit(X[twice], Y[twice]).coef_, atol=1e-4)


@every_model
def test_a_task_of_weight_two_counts_twice(name: str) -> None:
    X, Y = shared()
    rows, labels, tasks = stacked(X, Y)
    by_task = model_of(name).set_params(normalisation="sum", alpha=3.0)
    by_row = clone(by_task)
    by_task.set_params(task_weight=[1, 2, 1, 1, 0.5]).fit(rows, labels, task=tasks)
    weights = np.array([1, 2, 1, 1, 0.5])[tasks]
    by_row.fit(rows, labels, task=tasks, sample_weight=weights)
    assert_allclose(by_task.coef_, by_row.coef_, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "strength"),
    [
        (ClusteredTasks(2.0, mean=0.05), 0.1),
        (FeatureLearning(0.1), 0.1),
        (TaskRelationship(0.1, ridge=0.5), 0.15),
        (TaskGrouping(0.1), 0.1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_task_is_ridge(model: MultiTaskModel, strength: float) -> None:
    X, Y = shared()
    model = clone(model).set_params(tol=1e-11).fit(X, Y[:, 0])
    ridge = Ridge(strength * len(X)).fit(X, Y[:, 0])
    assert_allclose(model.coef_[0], ridge.coef_, atol=1e-5)
    assert_allclose(model.predict(X), ridge.predict(X), atol=1e-4)


@every_model
def test_a_warm_start_from_the_solution_stays_there(name: str) -> None:
    X, Y = shared()
    model = model_of(name).set_params(warm_start=True).fit(X, Y)
    first, n_first = model.coef_.copy(), model.n_iter_
    model.fit(X, Y)
    assert_allclose(model.coef_, first, atol=1e-4)
    assert model.n_iter_ <= n_first


@every_model
def test_products_alone_give_what_matrices_give(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y = shared()
    signs = np.where(Y > 1, 1, 0)
    formed = model_of(name, classifies=True).set_params(tol=1e-5).fit(X, signs)
    monkeypatch.setattr(_quadratic_model, "_LARGEST_BLOCK", 0)
    alone = model_of(name, classifies=True).set_params(tol=1e-5).fit(csr_array(X), signs)
    assert_allclose(alone.coef_, formed.coef_, atol=2e-2)


@every_convex
@pytest.mark.parametrize("classifies", [False, True])
def test_the_duality_gap_bounds_the_distance_to_the_minimum(name: str, classifies: bool) -> None:
    X, Y = shared()
    Y = np.where(Y > 1, 1, 0) if classifies else Y
    near = model_of(name, classifies=classifies).set_params(tol=1e-9).fit(X, Y)
    rough = model_of(name, classifies=classifies).set_params(tol=1e-2).fit(X, Y)
    above = _objective(name, rough, X, Y) - _objective(name, near, X, Y)
    assert -1e-8 <= above <= rough.dual_gap_ + 1e-12
    assert near.optimality_ <= 1e-9


@every_model
def test_stopping_early_warns(name: str) -> None:
    X, Y = shared()
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model_of(name).set_params(max_iter=1).fit(X, Y)


@every_model
@pytest.mark.parametrize("loss", ["huber", "poisson"])
def test_other_losses_converge(name: str, loss: str) -> None:
    X, Y = shared()
    labels = np.random.default_rng(0).poisson(np.exp(Y.clip(-1, 2))) if loss == "poisson" else Y
    model = model_of(name).set_params(loss=loss, tol=1e-4).fit(X, labels)
    assert model.optimality_ <= 1e-4
    assert np.isfinite(model.predict(X)).all()


@every_model
def test_constant_labels_need_no_coefficients(name: str) -> None:
    X, Y = shared()
    model = model_of(name).fit(X, np.full_like(Y, 7.0))
    assert not model.coef_.any()
    assert_allclose(model.intercept_, 7.0)


@every_model
def test_cross_validation_refits_what_it_chose(name: str) -> None:
    X, Y = shared()
    plain = METHODS[name].regressor
    chosen = METHODS[name].regressor_cv(alphas=4, cv=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        chosen.fit(X, Y)
        again = plain(**chosen.best_params_).fit(X, Y)
    assert chosen.loss_path_.shape == (1, 4, 3)
    assert_allclose(chosen.coef_, again.coef_, atol=1e-6)


def _objective(name: str, model: MultiTaskModel, X: Array, Y: Array) -> float:
    margins = X @ model.coef_.T + model.intercept_
    if hasattr(model, "classes_"):
        loss = np.logaddexp(0, -(2 * Y - 1) * margins).sum()
    else:
        loss = ((margins - Y) ** 2).sum() / 2
    return float(loss) / len(X) + PENALTIES[name].value(model.coef_)
