"""How low the objective can be at most: a bound from the errors of all rows, made tight."""

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses import Curvature, SmoothLoss
from ramify.linear.penalties import Penalty

_ROUNDS = 5
_FIRST_AFTER = 50
_PAUSE = 1 / 3
_FLAT = 1e-12
_FARTHEST = 1e4


def scaled_dual(loss: SmoothLoss, coef: Floats, value: float, gauge: float) -> float:
    """The dual objective at the slopes of the loss, scaled into the dual ball.

    Args:
        loss: The loss.
        coef: Where to take its slopes, ``(task, feature)``.
        value: The loss there.
        gauge: The dual norm of its gradient there.
    """
    scale = 1 / max(1.0, gauge)
    if not loss.is_quadratic:
        return loss.dual_value(coef, scale)
    # The errors need not be computed again: their square is known, and squared targets add up to
    # 2 L(0).
    at_zero, slope = loss.at_zero
    return scale * (float(np.vdot(slope, coef)) + 2 * at_zero) - scale**2 * value


def dual_at(loss: SmoothLoss, penalty: Penalty, coef: Floats) -> float:
    """The same, at coefficients of which nothing is known yet."""
    value, gradient = loss.value_and_gradient(coef)
    return scaled_dual(loss, coef, value, penalty.gauge(gradient))


class DualBound:
    """The highest dual objective so far of a squared loss and a norm.

    To scale all errors for the sake of one feature whose gradient is a little too large costs far
    more than it need; so from time to time the coefficients are moved until their gradient is the
    nearest one in the ball. What is left to scale then is of second order, where the features are
    independent; where they are more than the rows no coefficients have that gradient, and little is
    gained.

    Args:
        loss: The loss, quadratic.
        penalty: The norm.
        curvature: Of the loss.
        metric: Typical curvature of each feature, ``(feature,)``, above 0.

    Attributes:
        witness: The coefficients ``(task, feature)`` of the bound, if they were moved to get it.
    """

    def __init__(
        self, loss: SmoothLoss, penalty: Penalty, curvature: Curvature, metric: Floats
    ) -> None:
        self._loss = loss
        self._penalty = penalty
        self._curvature = curvature
        self._metric = metric
        self._at_zero, self._slope = loss.at_zero
        self._bound = -np.inf
        self._not_before = _FIRST_AFTER
        self.witness: Floats | None = None

    def gap(self, coef: Floats, gradient: Floats, penalty: float, n_iter: int) -> float:
        """How far the objective is at most above its minimum.

        Args:
            coef: Coefficients.
            gradient: Of the loss there.
            penalty: The norm of the parts of which they are the sum.
            n_iter: Steps so far, to tell when the bound may cost a few products.
        """
        objective = self._look_at(coef, gradient) + penalty
        if n_iter >= self._not_before:
            self._not_before = n_iter + int(n_iter * _PAUSE)
            self._tighten(coef, gradient)
        return max(objective - self._bound, 0.0)

    def _look_at(self, coef: Floats, gradient: Floats) -> float:
        """The loss at coefficients, whose bound counts if it is the highest."""
        value = max(0.5 * float(np.vdot(coef, gradient + self._slope)) + self._at_zero, 0.0)
        dual = scaled_dual(self._loss, coef, value, self._penalty.gauge(gradient))
        if dual > self._bound:
            self._bound, self.witness = dual, None
        return value

    def _tighten(self, coef: Floats, gradient: Floats) -> None:
        for _ in range(_ROUNDS):
            change, gradient_change = self._nearer(self._penalty.into_ball(gradient) - gradient)
            coef, gradient = coef + change, gradient + gradient_change
            if float(np.vdot(coef, self._metric * coef)) > _FARTHEST * self._at_zero:
                return  # so far out rounding could pass for a bound
            bound = self._bound
            self._look_at(coef, gradient)
            if self._bound > bound:
                self.witness = coef

    def _nearer(self, wanted: Floats) -> tuple[Floats, Floats]:
        """Two steps of conjugate gradients to coefficients whose gradient changes as wanted."""
        change, changed = np.zeros_like(wanted), np.zeros_like(wanted)
        direction, before = np.zeros_like(wanted), 1.0
        for _ in range(2):
            missing = wanted - changed
            proposed = missing / self._metric
            along = float(np.vdot(missing, proposed))
            direction = proposed + along / before * direction
            bent = self._curvature(direction)
            bend = float(np.vdot(direction, bent))
            if bend <= _FLAT * float(np.vdot(direction, self._metric * direction)):
                break
            change = change + along / bend * direction
            changed = changed + along / bend * bent
            before = along
        return change, changed
