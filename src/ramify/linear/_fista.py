"""FISTA with an adaptive restart, for a quadratic loss: one product per step is all it costs."""

import numpy as np

from ramify.linear._arrays import Floats
from ramify.linear._penalty import Penalty
from ramify.linear._smooth import SmoothLoss
from ramify.linear._solution import Control, Solution

_GROWTH = 1.5
_SHRINK = 0.9
# A step still lowers the objective if the curvature along it is below twice the steepness; to take
# it saves the product of another try.
_TOLERATED = 1.9
_CHECK_EVERY = 5


def minimise_quadratic(
    loss: SmoothLoss, penalty: Penalty, start: Floats | None, control: Control
) -> Solution:
    r"""Minimise a quadratic loss plus penalty.

    The gradient is affine, so that at an extrapolated point it follows from those at the last two
    points, and the loss follows from the gradient:
    :math:`L(W) = \tfrac12 \langle W, \nabla L(W) + \nabla L(0) \rangle + L(0)`.

    Args:
        loss: The loss of the sum of the parts.
        penalty: The penalty of the parts.
        start: Parts to start from, ``(part, task, feature)``; None for zero.
        control: When to stop. Optimality is the duality gap relative to the loss at zero.

    Returns:
        The minimum, with its parts.

    References:
        Beck and Teboulle. *A Fast Iterative Shrinkage-Thresholding Algorithm*, SIAM Journal on
        Imaging Sciences 2009. O'Donoghue and Candès. *Adaptive Restart for Accelerated Gradient
        Schemes*, Foundations of Computational Mathematics 2015, section 3.2 (gradient scheme).
    """
    at_zero, slope = loss.at_zero
    curvature = loss.curvature(np.zeros_like(slope))
    parts = np.zeros((penalty.n_parts, *slope.shape))
    gradient = slope
    if start is not None:
        parts = start.reshape(parts.shape)
        gradient = curvature(_total(parts)) + slope
    ahead, gradient_ahead, momentum = parts, gradient, 1.0
    steepness = max(loss.steepness * penalty.n_parts, np.finfo(float).tiny)
    for step in range(control.max_iter + 1):
        if step % _CHECK_EVERY == 0 or step == control.max_iter:
            gap = _duality_gap(penalty, parts, gradient, slope, at_zero)
            if gap <= control.tol * at_zero or step == control.max_iter:
                break
        while True:
            moved = penalty.prox(ahead - gradient_ahead / steepness, 1 / steepness)
            change = moved - ahead
            gradient_moved = curvature(_total(moved)) + slope
            bend = float(np.vdot(_total(change), gradient_moved - gradient_ahead))
            size = float(np.vdot(change, change))
            if bend <= _TOLERATED * steepness * size:
                break
            steepness *= _GROWTH
        steepness *= _SHRINK if bend <= steepness * size else _GROWTH
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        forward = moved - parts
        if np.vdot(change, forward) < 0:
            following = momentum = 1.0
        pace = (momentum - 1) / following
        ahead = moved + pace * forward
        gradient_ahead = gradient_moved + pace * (gradient_moved - gradient)
        parts, gradient, momentum = moved, gradient_moved, following
    return Solution(
        coef=_total(parts),
        n_iter=step,
        optimality=gap / at_zero if at_zero > 0 else gap,
        dual_gap=gap,
        parts=parts,
    )


def _duality_gap(
    penalty: Penalty, parts: Floats, gradient: Floats, slope: Floats, at_zero: float
) -> float:
    """Objective minus the dual objective at the scaled errors of all rows."""
    coef = _total(parts)
    value = max(0.5 * float(np.vdot(coef, gradient + slope)) + at_zero, 0.0)
    # What the errors have in common with the targets; squared targets add up to 2 L(0).
    agreement = float(np.vdot(slope, coef)) + 2 * at_zero
    scale = 1 / max(1.0, penalty.gauge(gradient))
    dual = scale * agreement - scale**2 * value
    return max(value + penalty.value(parts) - dual, 0.0)


def _total(parts: Floats) -> Floats:
    """Their sum; a single one as it is."""
    total: Floats = parts[0] if len(parts) == 1 else parts.sum(axis=0)
    return total
