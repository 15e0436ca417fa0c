"""Quadratic penalties that couple tasks."""

from abc import ABC, abstractmethod

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ramify.linear.inputs import Floats
from ramify.linear.losses import Curvature, SmoothLoss

_MOST_BLOCK_ENTRIES = 30_000_000
_LARGEST_BLOCK = 400


class Preconditioner(ABC):
    """Nearly undoes the curvature of loss plus penalty; applied to ``(task, feature)``."""

    @abstractmethod
    def __call__(self, residual: Floats) -> Floats:
        """The direction that a residual asks for."""


class Quadratic(ABC):
    r"""A penalty :math:`\tfrac12 \langle W, QW \rangle` of coefficients ``(task, feature)``."""

    @abstractmethod
    def __call__(self, coef: Floats) -> Floats:
        """The product *QW*, which is the gradient."""

    @abstractmethod
    def preconditioner(self, loss: SmoothLoss, curvature: Curvature) -> Preconditioner:
        """One for the loss's curvature plus this penalty."""

    def value(self, coef: Floats) -> float:
        """The penalty."""
        return 0.5 * float(np.vdot(coef, self(coef)))


class TaskCoupling(Quadratic):
    r"""The penalty :math:`\tfrac12 \sum_{st} K_{st} w_s^T w_t`.

    Args:
        matrix: *K*, ``(task, task)``, symmetric and positive semidefinite.
    """

    def __init__(self, matrix: Floats) -> None:
        self.matrix = matrix

    def __call__(self, coef: Floats) -> Floats:
        pulled: Floats = self.matrix @ coef
        return pulled

    def preconditioner(self, loss: SmoothLoss, curvature: Curvature) -> Preconditioner:
        own = np.diagonal(self.matrix)
        if loss.common_gram is not None:
            return _BothSides(loss.spectra, self.matrix)
        if _blocks_are_cheap(loss):
            ridge = own[:, None, None] * np.eye(loss.n_features)
            return _Blocks(curvature.blocks() + ridge)
        return _Diagonal(curvature.diagonals() + own[:, None])


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

    def preconditioner(self, loss: SmoothLoss, curvature: Curvature) -> Preconditioner:
        mean = np.full((self.n_tasks, self.n_tasks), 1 / self.n_tasks)
        matrix = self.apart * (np.eye(self.n_tasks) - mean) + self.together * mean
        return TaskCoupling(matrix).preconditioner(loss, curvature)


class _BothSides(Preconditioner):
    """Exact for a Gram matrix that all tasks share: both factors are diagonalised."""

    def __init__(self, gram: tuple[Floats, Floats], coupling: Floats) -> None:
        features, self._features = gram
        tasks, self._tasks = np.linalg.eigh(coupling)
        self._inverse = inverse_or_zero(tasks[:, None] + features[None, :])

    def __call__(self, residual: Floats) -> Floats:
        rotated = self._tasks.T @ residual @ self._features
        direction: Floats = self._tasks @ (self._inverse * rotated) @ self._features.T
        return direction


class _Blocks(Preconditioner):
    """One matrix per task."""

    def __init__(self, blocks: Floats) -> None:
        size = blocks.shape[-1]
        # A constant feature without a penalty leaves a block singular; a speck does no harm here.
        speck = 1e-12 * np.trace(blocks, axis1=1, axis2=2)[:, None, None] / size + 1e-300
        self._factors = [cho_factor(each) for each in blocks + speck * np.eye(size)]

    def __call__(self, residual: Floats) -> Floats:
        pairs = zip(self._factors, residual, strict=True)
        return np.stack([cho_solve(factor, row) for factor, row in pairs])


class _Diagonal(Preconditioner):
    def __init__(self, diagonals: Floats) -> None:
        self._inverse = inverse_or_zero(diagonals)

    def __call__(self, residual: Floats) -> Floats:
        return self._inverse * residual


def _blocks_are_cheap(loss: SmoothLoss) -> bool:
    size = loss.n_features
    return size <= _LARGEST_BLOCK and loss.n_tasks * size**2 <= _MOST_BLOCK_ENTRIES


def inverse_or_zero(values: Floats) -> Floats:
    """One by each value of 0 or more; 0 for those that are only rounding beside the largest."""
    floor = 1e-14 * max(float(values.max()), 0.0)
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > floor)
