"""A loss that is not quadratic, as a sequence of weighted least-squares problems."""

from operator import itemgetter

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import Penalty
from ramify.linear.solvers._dual_bound import dual_at, scaled_dual
from ramify.linear.solvers._fista import minimise_quadratic
from ramify.linear.solvers._solution import Control, Solution

_INNER = 0.1
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
    n_iter, share = 0, _INNER
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
            share *= _INNER
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
