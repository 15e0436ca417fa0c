"""The loss seen as one parabola per task, and its least point near another point."""

from abc import ABC, abstractmethod

import numpy as np

from ramify.linear.inputs import Floats


class Parabola(ABC):
    r"""A quadratic :math:`\tfrac12 \sum_t w_t^\top H_t w_t - c_t^\top w_t`; tasks do not mix.

    Args:
        linear: *c*, ``(task, feature)``.
    """

    def __init__(self, linear: Floats) -> None:
        self.linear = linear

    @abstractmethod
    def times(self, coef: Floats) -> Floats:
        """Each task's *H* times its coefficients, ``(task, feature)``."""

    @abstractmethod
    def near(self, target: Floats, rate: float, start: Floats) -> Floats:
        r"""The least of the quadratic plus :math:`\tfrac{r}{2} \|W - Z\|_F^2`.

        Args:
            target: *Z*, ``(task, feature)``.
            rate: *r*, above 0.
            start: Coefficients to start from, if it needs any.
        """

    @abstractmethod
    def solve_typical(self, rows: Floats, factors: Floats, ridge: float) -> Floats:
        r"""Solve :math:`(f_a \bar H + r I) v_a = u_a` roughly, for the mean of *H* over tasks.

        Args:
            rows: *u*, ``(row, feature)``.
            factors: *f*, one per row.
            ridge: *r*, above 0.
        """

    @property
    @abstractmethod
    def middle_curvature(self) -> float:
        """A typical eigenvalue of *H*, above 0."""

    def gradient(self, coef: Floats) -> Floats:
        """Its gradient ``(task, feature)``."""
        return self.times(coef) - self.linear

    def value(self, coef: Floats) -> float:
        """The quadratic."""
        return float(np.vdot(coef, self.times(coef) / 2 - self.linear))


def times_each(matrices: Floats, vectors: Floats) -> Floats:
    """Each task's matrix, or the one of all, times its vector."""
    if matrices.ndim == 2:
        return vectors @ matrices.T
    product: Floats = np.matmul(matrices, vectors[:, :, None])[:, :, 0]
    return product
