"""FISTA with an adaptive restart, for a quadratic loss: one product per step is all it costs."""

from typing import NamedTuple

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses import Curvature, SmoothLoss
from ramify.linear.penalties import Face, Penalty
from ramify.linear.solvers._dual_bound import DualBound
from ramify.linear.solvers._solution import Control, Solution

_FIRST_AFTER = 50
_MOST_PRODUCTS = 100
_SHARE_LEFT = 1e-4
_FLAT = 1e-12


class FaceNewton:
    """Steps to the minimum of a quadratic loss plus norm within the face of the coefficients.

    Proximal steps find the zeros, signs and ties of the minimum after a finite number of them, and
    then only approach what a linear system gives at once. Its gradient is nearly a dual point, so
    that the gap, too, tells of a minimum. A step is tried where the face did not change between two
    calls. It costs at most half as many products as all other steps so far, and the next one waits
    for as many again, each time twice as many, since where features are more than rows none may
    help.

    Args:
        penalty: The norm.
        curvature: Of the loss.
        metric: Typical curvature of each feature, ``(feature,)``, above 0.
    """

    def __init__(self, penalty: Penalty, curvature: Curvature, metric: Floats) -> None:
        self._penalty = penalty
        self._curvature = curvature
        self._metric = metric
        self._pattern = np.zeros(0)
        self._not_before = _FIRST_AFTER
        self._pause = 1

    def step(self, parts: Floats, gradient: Floats, n_iter: int) -> tuple[Floats, Floats] | None:
        """Parts and gradient after a step; None if none is due.

        Args:
            parts: ``(part, task, feature)``.
            gradient: Of the loss at their sum.
            n_iter: How many products other steps have cost so far.
        """
        pattern = self._penalty.pattern(parts)
        same = np.array_equal(pattern, self._pattern)
        self._pattern = pattern
        if not same or n_iter < self._not_before:
            return None
        face = self._penalty.face(parts)
        slope = np.broadcast_to(gradient, parts.shape)
        change, n_products = self._solve(face, slope, n_iter // 2)
        self._not_before = n_iter + self._pause * n_products
        self._pause *= 2
        return parts + change, gradient + self._curvature(change.sum(axis=0))

    def _solve(self, face: Face, gradient: Floats, most: int) -> tuple[Floats, int]:
        """The step, by conjugate gradients within the face, and how many products it cost."""
        change = np.zeros_like(gradient)
        residual = -face.onto(gradient + face.slope)
        direction = proposed = face.onto(residual / self._metric)
        along = first = float(np.vdot(residual, proposed))
        n_products = 0
        while n_products < min(most, _MOST_PRODUCTS):
            if along <= _SHARE_LEFT**2 * first:
                break
            bent = self._curvature(direction.sum(axis=0)) + face.bend(direction)
            bent, n_products = face.onto(bent), n_products + 1
            bend = float(np.vdot(direction, bent))
            # Flat to rounding, as where features are more than rows: the step would have no end.
            if bend <= _FLAT * float(np.vdot(direction, self._metric * direction)):
                break
            change += along / bend * direction
            residual -= along / bend * bent
            proposed = face.onto(residual / self._metric)
            before, along = along, float(np.vdot(residual, proposed))
            direction = proposed + along / before * direction
        return change, n_products + 1  # and one for the gradient


_GROWTH = 1.5
_SHRINK = 0.9
# A step still lowers the objective if the curvature along it is below twice the steepness; to take
# it saves the product of another try.
_TOLERATED = 1.9
_CHECK_EVERY = 5
_ALIKE = 4.0


def minimise_quadratic(
    loss: SmoothLoss, penalty: Penalty, start: Floats | None, control: Control
) -> Solution:
    r"""Minimise a quadratic loss plus penalty.

    The gradient is affine, so that at an extrapolated point it follows from those at the last two
    points, and the loss follows from the gradient:
    :math:`L(W) = \tfrac12 \langle W, \nabla L(W) + \nabla L(0) \rangle + L(0)`.

    Every feature has a step of its own, in the unit of its curvature, so that the scales of the
    features do not matter to the number of steps. In that metric the objective never rises: a step
    that its momentum would carry upwards is not taken, and the momentum is given up. In most steps
    a bound tells at once that they go down: for a step to *W* with the steepness *s* from *V*,
    ahead of the last accepted *U*, the objective falls by at least
    :math:`s \langle W - V, W - U \rangle - \tfrac12 \langle W - V, H (W - V) \rangle`.

    Once zeros, signs and ties stay as they are, `FaceNewton` finishes: steps come near the minimum
    in proportion to the gap, but the gap to the square root of what is left of the objective.

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
    metric = _metric(curvature)
    parts = np.zeros((penalty.n_parts, *slope.shape))
    gradient = slope
    if start is not None:
        parts = start.reshape(parts.shape)
        gradient = curvature(_total(parts)) + slope
    newton = FaceNewton(penalty, curvature, metric)
    bound = DualBound(loss, penalty, curvature, metric)
    ahead, gradient_ahead, momentum = parts, gradient, 1.0
    steepness = max(loss.steepness(metric) * penalty.n_parts, np.finfo(float).tiny)
    for n_iter in range(control.max_iter + 1):
        if n_iter % _CHECK_EVERY == 0 or n_iter == control.max_iter:
            gap = bound.gap(_total(parts), gradient, penalty.value(parts), n_iter)
            regular = n_iter % _CHECK_EVERY == 0 and gap > control.tol * at_zero
            finished = newton.step(parts, gradient, n_iter) if regular else None
            if finished is not None and _is_lower(penalty, (parts, gradient), finished, at_zero):
                parts, gradient = finished
                ahead, gradient_ahead, momentum = parts, gradient, 1.0
                gap = bound.gap(_total(parts), gradient, penalty.value(parts), n_iter)
            if gap <= control.tol * at_zero or n_iter == control.max_iter:
                break
        step = _stepped(penalty, curvature, (ahead, gradient_ahead), slope, steepness * metric)
        # A flat step says that the next one may be longer; what was raised stays so.
        steepness *= step.steeper * (_SHRINK if step.is_flat else _GROWTH)
        moved, gradient_moved = step.moved, step.gradient
        forward = moved - parts
        agreement = _inner(step.change, forward, step.metric)
        may_rise = momentum > 1 and agreement < 0.5 * step.bend
        if may_rise and _rise(penalty, (parts, gradient), (moved, gradient_moved)) > 0:
            ahead, gradient_ahead, momentum = parts, gradient, 1.0
            continue
        # A step against its momentum means that this overshoots: it begins at nothing again.
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        if agreement < 0:
            following = momentum = 1.0
        pace = (momentum - 1) / following
        ahead = moved + pace * forward
        # The gradient is affine, so that the point ahead costs no product with the rows.
        gradient_ahead = gradient_moved + pace * (gradient_moved - gradient)
        parts, gradient, momentum = moved, gradient_moved, following
    return Solution(
        coef=_total(parts),
        n_iter=n_iter,
        optimality=gap / at_zero if at_zero > 0 else gap,
        dual_gap=gap,
        parts=parts,
        witness=bound.witness,
    )


class _Step(NamedTuple):
    """A step from the point ahead.

    Attributes:
        moved: Where it ends.
        gradient: The gradient there.
        change: From the point ahead to there.
        bend: The curvature along it, times its length squared.
        metric: The steepness of each feature that it was made with.
        steeper: By what the metric had to be raised.
        is_flat: Whether the curvature along it is below that.
    """

    moved: Floats
    gradient: Floats
    change: Floats
    bend: float
    metric: Floats
    steeper: float
    is_flat: bool


def _stepped(
    penalty: Penalty,
    curvature: Curvature,
    ahead: tuple[Floats, Floats],
    slope: Floats,
    metric: Floats,
) -> _Step:
    """Step from a point, of which the gradient is known, steeper until the step is safe."""
    parts, gradient = ahead
    steeper = 1.0
    while True:
        moved = penalty.prox(parts - gradient / metric, 1 / metric)
        change = moved - parts
        gradient_moved = curvature(_total(moved)) + slope
        bend = float(np.vdot(_total(change), gradient_moved - gradient))
        size = _inner(change, change, metric)
        if not bend > _TOLERATED * size:
            return _Step(moved, gradient_moved, change, bend, metric, steeper, bend <= size)
        metric, steeper = metric * _GROWTH, steeper * _GROWTH


def _metric(curvature: Curvature) -> Floats:
    """The steepness of each feature, ``(feature,)``, or of all, ``(1,)``, if they are much alike."""
    each: Floats = curvature.diagonals().max(axis=0)
    largest = float(each.max(initial=0.0)) or 1.0
    counted = each[each > 0]
    if counted.size and counted.min() > largest / _ALIKE:
        return np.array([largest])
    # A feature without curvature has no unit of its own, and must not divide by 0.
    return np.where(each > 0, each, largest)


def _inner(left: Floats, right: Floats, metric: Floats) -> float:
    """The inner product in a metric."""
    if metric.size == 1:
        return float(metric[0] * np.vdot(left, right))
    return float(np.vdot(left, metric * right))


def _rise(penalty: Penalty, before: tuple[Floats, Floats], after: tuple[Floats, Floats]) -> float:
    """By how much the objective rises between two points, of which the gradients are known."""
    (parts, gradient), (moved, gradient_moved) = before, after
    slope = 0.5 * (gradient + gradient_moved)  # that of the chord, as the loss is quadratic
    rise = float(np.vdot(_total(moved - parts), slope))
    return rise + penalty.value(moved) - penalty.value(parts)


def _is_lower(
    penalty: Penalty, before: tuple[Floats, Floats], after: tuple[Floats, Floats], at_zero: float
) -> bool:
    """Whether a point is lower than another, and not for rounding of huge numbers."""
    # The loss is never negative, and the objective never above its value at zero.
    return penalty.value(after[0]) <= at_zero and _rise(penalty, before, after) < 0


def _total(parts: Floats) -> Floats:
    """Their sum; a single one as it is."""
    total: Floats = parts[0] if len(parts) == 1 else parts.sum(axis=0)
    return total
