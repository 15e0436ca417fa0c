"""Alternation of tasks and spectrum: what a change of rate and a warm start leave as they are."""

from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.linear._alternating import shared

from ramify.linear.losses._objective import LabelledRows, Objective
from ramify.linear.losses._pointwise import LOSSES
from ramify.linear.losses._smooth import SmoothLoss
from ramify.linear.penalties._spectral import SquaredTraceNorm
from ramify.linear.solvers._admm import Splitting, _balance, solve_spectral
from ramify.linear.solvers._solution import Control


def squared_loss() -> SmoothLoss:
    X, Y = shared()
    objective = Objective([LOSSES["squared"]] * Y.shape[1], np.ones(Y.shape[1]), True, True)
    return objective.loss_of(LabelledRows(X, Y, np.ones(Y.shape), np.arange(len(X)))).condensed()


@pytest.mark.parametrize("moved", [1e-3, 1e3])
def test_another_rate_keeps_the_multiplier(moved: float) -> None:
    rng = np.random.default_rng(0)
    coef, own, dual, way = rng.normal(size=(4, 5, 3))
    splitting = Splitting(coef, own, dual, rate=2.0)
    _balance(splitting, coef + moved * way, made=5)
    assert splitting.rate < 2.0 if moved > 1 else splitting.rate > 2.0
    assert_allclose(splitting.rate * splitting.dual, 2.0 * dual)


def test_a_fit_leaves_what_it_starts_from_as_it_was() -> None:
    loss, control = squared_loss(), Control(1e-8, 5000)
    first = solve_spectral(loss, SquaredTraceNorm(1.0), None, control)
    kept = deepcopy(first.state)
    second = solve_spectral(loss, SquaredTraceNorm(0.01), first, control)
    assert isinstance(kept, Splitting)
    for name, value in vars(kept).items():
        assert_array_equal(getattr(first.state, name), value)
    again = solve_spectral(loss, SquaredTraceNorm(0.01), first, control)
    assert again.n_iter == second.n_iter
    assert_array_equal(again.coef, second.coef)
