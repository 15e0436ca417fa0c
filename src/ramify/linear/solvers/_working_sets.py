"""A loss with a norm by working sets: solve for the features that matter, then look at all."""

from dataclasses import replace
from operator import itemgetter

import numpy as np

from ramify.linear.inputs import Floats, Integers
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import Penalty
from ramify.linear.solvers._dual_bound import dual_at, scaled_dual
from ramify.linear.solvers._fista import minimise_quadratic
from ramify.linear.solvers._newton import solve_unpenalised
from ramify.linear.solvers._solution import Control, Solution

_TIGHTER = 0.1
_SUFFICIENT = 1e-4
_SHORTEST = 1e-8


def minimise(
    loss: SmoothLoss, penalty: Penalty, start: Floats | None, control: Control
) -> Solution:
    r"""Minimise loss plus penalty.

    A quadratic loss is left to `minimise_quadratic`. Any other is replaced by its quadratic model at
    the last coefficients, and a line search goes towards the minimum of that, so that the objective
    never rises.

    Args:
        loss: The loss of the sum of the parts.
        penalty: The penalty of the parts.
        start: Parts to start from, ``(part, task, feature)``; None for zero.
        control: When to stop. Optimality is the duality gap relative to the loss at zero.

    Returns:
        The minimum, with its parts.

    References:
        Lee, Sun, Saunders. *Proximal Newton-Type Methods for Minimizing Composite Functions*,
        SIAM Journal on Optimization 2014.
    """
    if loss.is_quadratic:
        return minimise_quadratic(loss, penalty, start, control)
    scale, at_zero = loss.at_zero
    parts = np.zeros((penalty.n_parts, *at_zero.shape)) if start is None else start
    n_iter, share = 0, _TIGHTER
    bound: tuple[float, Floats | None] = (-np.inf, None)
    while True:
        coef = parts.sum(axis=0)
        value, gradient = loss.value_and_gradient(coef)
        dual = scaled_dual(loss, coef, value, penalty.gauge(gradient))
        bound = max(bound, (dual, None), key=itemgetter(0))
        gap = max(value + penalty.value(parts) - bound[0], 0.0)
        if gap <= control.tol * scale or n_iter >= control.max_iter:
            break
        model = loss.local_squares(coef)
        goal = share * gap / max(model.at_zero[0], np.finfo(float).tiny)
        found = minimise_quadratic(model, penalty, parts, Control(goal, control.max_iter))
        n_iter += max(found.n_iter, 1)
        if found.witness is not None:
            # What is a tight bound for the model is nearly one for the loss.
            tight = dual_at(loss, penalty, found.witness)
            bound = max(bound, (tight, found.witness), key=itemgetter(0))
        if found.n_iter == 0:
            # Good enough for the quadratic model, whose gap is the smaller one, but not for the loss.
            share *= _TIGHTER
            continue
        moved = _line_search(loss, penalty, parts, found.split, (value, gradient))
        if moved is None:
            break
        parts = moved
    optimality = gap / scale if scale > 0 else gap
    return Solution(coef, n_iter, optimality, dual_gap=gap, parts=parts, witness=bound[1])


def _line_search(
    loss: SmoothLoss, penalty: Penalty, here: Floats, there: Floats, tangent: tuple[float, Floats]
) -> Floats | None:
    """The longest of the halved steps that lowers the objective; None if rounding forbids it."""
    value, gradient = tangent
    before = penalty.value(here)
    promised = float(np.vdot((there - here).sum(axis=0), gradient)) + penalty.value(there) - before
    length = 1.0
    while length > _SHORTEST:
        moved = here + length * (there - here)
        reached = loss.value(moved.sum(axis=0)) + penalty.value(moved)
        if reached <= value + before + _SUFFICIENT * length * promised:
            return moved
        length /= 2
    return None


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
