"""Newton's method where a norm is smooth: it ends what proximal steps have brought near."""

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses import Curvature
from ramify.linear.penalties import Face, Penalty

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
