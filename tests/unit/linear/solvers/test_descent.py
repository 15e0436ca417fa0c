"""No solver ever accepts a step that raises its objective."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from tests.contracts._linear_cases import CLASSIFIERS, REGRESSORS

from ramify.linear import (
    BlockSparse,
    ClusteredTasks,
    Dirty,
    FeatureLearning,
    GraphRegularized,
    LatentBasis,
    MeanRegularized,
    TaskGrouping,
    TaskRelationship,
    TraceNorm,
)
from ramify.linear.estimators._base import MultiTaskModel
from ramify.linear.losses._smooth import SmoothLoss
from ramify.linear.penalties._norms import Penalty
from ramify.linear.penalties._quadratic import Quadratic
from ramify.linear.penalties._spectral import SpectralPenalty
from ramify.linear.solvers import _admm, _newton, _working_sets

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Array = NDArray[np.float64]
N_TASKS, ALPHA, ROUNDING = 5, 0.05, 1e-12
LINE_SEARCHES = (_newton, _working_sets, _admm)
PENALTIES: dict[str, tuple[MultiTaskModel, Callable[[Any], float]]] = {
    "q=1": (BlockSparse(ALPHA, q=1), lambda m: np.abs(m.coef_).sum()),
    "q=2": (BlockSparse(ALPHA, q=2), lambda m: np.linalg.norm(m.coef_, axis=0).sum()),
    "q=inf": (BlockSparse(ALPHA, q=np.inf), lambda m: np.abs(m.coef_).max(axis=0).sum()),
    "dirty": (
        Dirty(ALPHA, entry_ratio=0.5),
        lambda m: np.abs(m.shared_coef_).max(axis=0).sum() + 0.5 * np.abs(m.own_coef_).sum(),
    ),
}


def rows(seed: int) -> tuple[Array, Array]:
    """Features that are nearly one: momentum overshoots far."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 12)) @ (np.eye(12) + 0.9)
    coef = rng.normal(size=(N_TASKS, 12)) * (rng.random((N_TASKS, 12)) < 0.5)
    Y = X @ coef.T + rng.normal(size=(40, N_TASKS))
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("seed", [0, 1])
def test_each_iteration_of_fista_lowers_the_objective(name: str, seed: int) -> None:
    """A fit that ends after *k* iterations returns the *k*-th accepted iterate."""
    template, penalty = PENALTIES[name]
    X, Y = rows(seed)
    objectives = []
    for k in range(1, 100):
        model = clone(template).set_params(max_iter=k, tol=1e-9, fit_intercept=False).fit(X, Y)
        error = Y - X @ model.coef_.T
        objectives.append(0.5 * (error**2).mean(axis=0).sum() + ALPHA * penalty(model))
    assert objectives[-1] < 0.95 * objectives[0]
    assert all(after <= before * (1 + ROUNDING) for before, after in pairwise(objectives))


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """The objective before and after each step that a line search accepts."""
    found: list[tuple[float, float]] = []

    def recorded(search: Callable[..., Array | None]) -> Callable[..., Array | None]:
        def record(
            loss: SmoothLoss,
            penalty: Penalty | SpectralPenalty | Quadratic,
            ends: Array | tuple[Array, Array],
            *more: object,
        ) -> Array | None:
            def objective(at: Array) -> float:
                whole = at.sum(axis=0) if at.ndim == 3 else at  # of several parts
                return float(loss.value(whole) + penalty.value(at))

            moved = search(loss, penalty, ends, *more)
            if moved is not None:
                here = ends[0] if isinstance(ends, tuple) else ends
                found.append((objective(here), objective(moved)))
            return moved

        return record

    for module in LINE_SEARCHES:
        monkeypatch.setattr(module, "_line_search", recorded(module._line_search))
    return found


COUPLED = (MeanRegularized, GraphRegularized)
SPECTRAL = (ClusteredTasks, FeatureLearning, TaskRelationship, TaskGrouping, TraceNorm)
WITHOUT_SEARCH = {"latent-basis"}  # its turns: test_latent_basis.py


def prepared(name: str, *, classifies: bool) -> MultiTaskModel:
    model: MultiTaskModel = clone((CLASSIFIERS if classifies else REGRESSORS)[name])
    if "graph" in model.get_params():
        model.set_params(graph=np.ones((N_TASKS, N_TASKS)) - np.eye(N_TASKS))
    model.set_params(alpha=ALPHA, tol=1e-6)
    return model


@pytest.mark.parametrize("name", sorted(set(REGRESSORS) - WITHOUT_SEARCH))
def test_each_step_of_a_classifier_lowers_the_objective(
    name: str, steps: list[tuple[float, float]]
) -> None:
    X, Y = rows(0)
    prepared(name, classifies=True).fit(X, (Y > 0).astype(float))
    assert len(steps) > 2
    assert all(after <= before * (1 + ROUNDING) for before, after in steps)


@pytest.mark.parametrize("name", ["mean-regularized", "graph", "clustered", "feature-learning"])
def test_the_one_step_of_a_squared_loss_lowers_the_objective(
    name: str, steps: list[tuple[float, float]]
) -> None:
    prepared(name, classifies=False).fit(*rows(0))
    assert len(steps) >= 1
    assert all(after <= before * (1 + ROUNDING) for before, after in steps)


def test_every_method_is_here_or_where_it_is_said_to_be() -> None:
    here = {type(model) for model, _ in PENALTIES.values()} | {*COUPLED, *SPECTRAL, LatentBasis}
    assert here == {type(model) for model in REGRESSORS.values()}
