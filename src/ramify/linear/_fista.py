"""Accelerated proximal gradient steps: FISTA with a line search and an adaptive restart."""

import numpy as np

from ramify.linear._arrays import Floats
from ramify.linear._penalty import Penalty
from ramify.linear._smooth import SmoothLoss
from ramify.linear._solution import Control, Solution

_GROWTH = 2.0
_SHRINK = 0.9
_CHECK_EVERY = 5
_ROUNDING = 1e-9


def minimise(
    loss: SmoothLoss, penalty: Penalty, start: Floats | None, control: Control
) -> Solution:
    r"""Minimise loss plus penalty.

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
    shape = (penalty.n_parts, loss.n_tasks, loss.n_features)
    parts = np.zeros(shape) if start is None else start.reshape(shape).copy()
    scale = loss.at_zero[0]
    ahead, momentum = parts, 1.0
    steepness = max(loss.steepness * penalty.n_parts, np.finfo(float).tiny)
    gap = np.inf
    for step in range(control.max_iter + 1):
        if step % _CHECK_EVERY == 0 or step == control.max_iter:
            gap = _duality_gap(loss, penalty, parts)
            if gap <= control.tol * scale or step == control.max_iter:
                break
        moved, steepness = _proximal_step(loss, penalty, ahead, steepness)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        if np.vdot(ahead - moved, moved - parts) > 0:
            following = momentum = 1.0
        ahead = moved + (momentum - 1) / following * (moved - parts)
        parts, momentum = moved, following
    return Solution(
        coef=parts.sum(axis=0),
        n_iter=step,
        optimality=gap / scale if scale > 0 else gap,
        dual_gap=gap,
        parts=parts,
    )


def _proximal_step(
    loss: SmoothLoss, penalty: Penalty, ahead: Floats, steepness: float
) -> tuple[Floats, float]:
    """One step from ``ahead``, with the steepness that the line search settled on."""
    value, gradient = loss.value_and_gradient(ahead.sum(axis=0))
    trial = steepness * _SHRINK
    while True:
        moved = penalty.prox(ahead - gradient / trial, 1 / trial)
        change = moved - ahead
        allowed = trial / 2 * float(np.vdot(change, change))
        if allowed <= _ROUNDING * value:
            # The loss itself cannot tell any more; the last steepness has served well.
            return penalty.prox(ahead - gradient / steepness, 1 / steepness), steepness
        rise = loss.value(moved.sum(axis=0)) - value - float(np.vdot(gradient, change.sum(axis=0)))
        if rise <= allowed or not np.isfinite(trial):
            return moved, trial
        trial *= _GROWTH


def _duality_gap(loss: SmoothLoss, penalty: Penalty, parts: Floats) -> float:
    coef = parts.sum(axis=0)
    value, gradient = loss.value_and_gradient(coef)
    scale = 1 / max(1.0, penalty.gauge(gradient))
    return max(value + penalty.value(parts) - loss.dual_value(coef, scale), 0.0)
