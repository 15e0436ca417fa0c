"""A loss with a norm by working sets: solve for the features that matter, then look at all."""

from dataclasses import replace

import numpy as np

from ramify.linear.inputs import Floats, Integers
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import Penalty
from ramify.linear.solvers._dual_bound import dual_at, scaled_dual
from ramify.linear.solvers._newton import solve_unpenalised
from ramify.linear.solvers._proximal_newton import minimise
from ramify.linear.solvers._solution import Control, Solution

_SMALLEST = 64
_AT_FIRST = 20
_SPARE = 1.2
_GROWTH = 4
_SURE = 1.5
_FEW = 1000
_NEARLY_ALL = 0.8
_INNER = 0.2


def solve_penalised(
    loss: SmoothLoss, penalty: Penalty, alpha: float, start: Solution | None, control: Control
) -> Solution:
    """Minimise loss plus a norm.

    Args:
        loss: The loss.
        penalty: The norm.
        alpha: Its strength; at 0 the problem is smooth and has no norm left.
        start: A solution to start from.
        control: When to stop.
    """
    if alpha > 0:
        return by_working_sets(loss, penalty, None if start is None else start.split, control)
    solution = solve_unpenalised(loss, None if start is None else start.coef, control)
    rest = np.zeros((penalty.n_parts - 1, *solution.coef.shape))
    return replace(solution, parts=np.concatenate([solution.coef[None], rest]))


def largest_strength(loss: SmoothLoss, penalty: Penalty) -> float:
    """The smallest strength at which every coefficient is exactly zero.

    Args:
        loss: The loss.
        penalty: The norm with the strength 1.
    """
    return penalty.gauge(loss.at_zero[1])


def by_working_sets(
    loss: SmoothLoss, penalty: Penalty, start: Floats | None, control: Control
) -> Solution:
    """Solve on changing sets of features until the duality gap over all of them is small.

    A set holds the features in use, and of the others those whose gradients are largest.

    Args:
        loss: The loss.
        penalty: The penalty.
        start: Parts to start from, ``(part, task, feature)``; None for zero.
        control: When to stop.

    References:
        Massias, Gramfort, Salmon. *Celer: a Fast Solver for the Lasso with Dual Extrapolation*,
        ICML 2018. Bertrand et al. *Beyond L1: Faster and Better Sparse Models with skglm*,
        NeurIPS 2022.
    """
    if loss.n_features <= _SMALLEST:
        return minimise(loss, penalty, start, control)
    scale = loss.at_zero[0]
    parts = np.zeros((penalty.n_parts, loss.n_tasks, loss.n_features)) if start is None else start
    n_iter, dual = 0, -np.inf
    while True:
        coef = parts.sum(axis=0)
        value, gradient = loss.value_and_gradient(coef) if coef.any() else loss.at_zero
        gauges = penalty.gauges(gradient)
        dual = max(dual, scaled_dual(loss, coef, value, float(gauges.max())))
        gap = max(value + penalty.value(parts) - dual, 0.0)
        if gap <= control.tol * scale or n_iter >= control.max_iter:
            break
        working = _working_set(parts, gauges)
        whole = len(working) == loss.n_features
        goal = control.tol if whole else max(_INNER * gap / scale, 0.5 * control.tol)
        inner = Control(goal, control.max_iter - n_iter)
        found = minimise(loss.restricted(working), penalty, parts[:, :, working], inner)
        n_iter += max(found.n_iter, 1)
        if whole:
            return replace(found, n_iter=n_iter)
        parts = np.zeros_like(parts)
        parts[:, :, working] = found.split
        if found.witness is not None:
            witness = np.zeros_like(coef)
            witness[:, working] = found.witness
            dual = max(dual, dual_at(loss, penalty, witness))
    return Solution(
        coef=coef,
        n_iter=n_iter,
        optimality=gap / scale if scale > 0 else gap,
        dual_gap=gap,
        parts=parts,
    )


def _working_set(parts: Floats, gauges: Floats) -> Integers:
    in_use = parts.any(axis=(0, 1))
    n_in_use, n_wanted = int(in_use.sum()), int((in_use | (gauges > 1)).sum())
    # What is wanted is more than what will be used: alike features pull at the same errors.
    size = max(int(_SPARE * n_in_use), min(_GROWTH * n_in_use, n_wanted), _AT_FIRST)
    # But if after the first set nearly all of a few still pull hard, nearly all will be used.
    is_past_first = len(gauges) <= _FEW and n_in_use > _AT_FIRST
    n_sure = int((in_use | (gauges > _SURE)).sum()) if is_past_first else 0
    if max(size, n_sure) >= _NEARLY_ALL * len(gauges):
        return np.arange(len(gauges))
    urgency = np.where(in_use, np.inf, gauges)
    return np.sort(np.argpartition(-urgency, size - 1)[:size])
