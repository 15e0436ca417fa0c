"""Quadratic penalties that couple tasks."""

from abc import ABC, abstractmethod

import numpy as np

from ramify.linear.inputs import Floats


class Quadratic(ABC):
    r"""A penalty :math:`\tfrac12 \langle W, QW \rangle` of coefficients ``(task, feature)``."""

    @abstractmethod
    def __call__(self, coef: Floats) -> Floats:
        """The product *QW*, which is the gradient."""

    @property
    @abstractmethod
    def matrix(self) -> Floats:
        """How tasks are coupled, ``(task, task)``: *Q* for every feature."""

    def value(self, coef: Floats) -> float:
        """The penalty."""
        return 0.5 * float(np.vdot(coef, self(coef)))


class TaskCoupling(Quadratic):
    r"""The penalty :math:`\tfrac12 \sum_{st} K_{st} w_s^T w_t`.

    Args:
        matrix: *K*, ``(task, task)``, symmetric and positive semidefinite.
    """

    def __init__(self, matrix: Floats) -> None:
        self._matrix = matrix

    @property
    def matrix(self) -> Floats:
        return self._matrix

    def __call__(self, coef: Floats) -> Floats:
        pulled: Floats = self._matrix @ coef
        return pulled


class MeanCoupling(Quadratic):
    r"""The penalty :math:`\tfrac12 (a \sum_t \|w_t - \bar w\|^2 + T m \|\bar w\|^2)`.

    A `TaskCoupling` whose product costs no more than reading the coefficients.

    Args:
        n_tasks: *T*.
        apart: *a*.
        together: *m*.
    """

    def __init__(self, n_tasks: int, apart: float, together: float) -> None:
        self.n_tasks = n_tasks
        self.apart = apart
        self.together = together

    def __call__(self, coef: Floats) -> Floats:
        pulled: Floats = self.apart * coef + (self.together - self.apart) * coef.mean(axis=0)
        return pulled

    @property
    def matrix(self) -> Floats:
        matrix = np.full((self.n_tasks, self.n_tasks), (self.together - self.apart) / self.n_tasks)
        np.fill_diagonal(matrix, matrix[0, 0] + self.apart)
        return matrix
