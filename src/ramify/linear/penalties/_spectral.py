"""Convex penalties of the coefficients' singular values: value, prox and conjugate."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats


class SpectralPenalty(ABC):
    """A convex penalty of coefficients ``(task, feature)`` that grows with their square.

    Its conjugate is finite everywhere, so that any coefficients have a duality gap.
    """

    @abstractmethod
    def value(self, coef: Floats) -> float:
        """The penalty."""

    @abstractmethod
    def prox(self, coef: Floats, step: float) -> Floats:
        r"""The least of :math:`\tfrac12 \|Z - W\|_F^2 + \text{step} \cdot \Omega(Z)` over *Z*."""

    @abstractmethod
    def conjugate(self, gradient: Floats) -> float:
        r"""The greatest of :math:`\langle G, W \rangle - \Omega(W)` over *W*."""

    def gap(self, coef: Floats, gradient: Floats) -> float:
        r"""Duality gap at ``coef``, for any convex loss of which ``gradient`` is the gradient there.

        .. math:: \Omega(W) + \Omega^*(-G) + \langle W, G \rangle

        The loss and its conjugate at *G* cancel against the product (Fenchel and Young), so that
        the loss itself does not enter.
        """
        return self.value(coef) + self.conjugate(-gradient) + float(np.vdot(coef, gradient))


@dataclass(frozen=True)
class SquaredTraceNorm(SpectralPenalty):
    r"""The squared sum of the singular values, and the sum of their squares.

    .. math:: \Omega(W) = \frac{\lambda}{2} \|W\|_*^2 + \frac{\rho}{2} \|W\|_F^2

    The first term is the least of :math:`\frac{\lambda}{2} \mathrm{tr}(W D^{-1} W^\top)` over
    positive *D* of trace 1, attained at the square root of :math:`W^\top W`, divided by its
    trace; equally of :math:`\frac{\lambda}{2} \mathrm{tr}(W^\top \Omega^{-1} W)` with the square
    root of :math:`W W^\top`. So it is what learned features and learned task relations come to.

    Args:
        strength: :math:`\lambda`, above 0.
        ridge: :math:`\rho`, 0 or more.
    """

    strength: float
    ridge: float = 0.0

    def value(self, coef: Floats) -> float:
        singular = singular_values(coef)
        squares = self.ridge * float(singular @ singular)
        return (self.strength * float(singular.sum()) ** 2 + squares) / 2

    def prox(self, coef: Floats, step: float) -> Floats:
        left, singular, right = np.linalg.svd(coef, full_matrices=False)
        shrunk = self._shrunk(singular, 1 + step * self.ridge, step * self.strength)
        proximal: Floats = (left * shrunk) @ right
        return proximal

    def conjugate(self, gradient: Floats) -> float:
        singular = singular_values(gradient)
        if self.ridge == 0:
            return float(singular[0]) ** 2 / (2 * self.strength)
        # Quadratic in scale: at the best singular values it is half of their product with these.
        return float(singular @ self._shrunk(singular, self.ridge, self.strength)) / 2

    def _shrunk(self, singular: Floats, curvature: float, strength: float) -> Floats:
        r"""The best :math:`s \ge 0` for :math:`\tfrac{c}{2} s^2 - g s + \tfrac{\lambda}{2} (1^T s)^2`.

        It is :math:`(g - \lambda 1^T s)_+ / c`; the total over the *k* largest, which stay
        positive, is :math:`\sum g / (c + k \lambda)`.
        """
        n_kept = np.arange(1, len(singular) + 1)
        totals = np.cumsum(singular) / (curvature + n_kept * strength)
        kept = singular > strength * totals
        total = float(totals[kept][-1]) if kept.any() else 0.0
        shrunk: Floats = (singular - strength * total).clip(min=0) / curvature
        return shrunk


def singular_values(matrix: Floats) -> Floats:
    """The singular values, the largest first."""
    values: Floats = np.linalg.svd(matrix, compute_uv=False).astype(np.float64)
    return values
