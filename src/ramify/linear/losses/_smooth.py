"""The loss of all tasks as a smooth convex function of the coefficients alone."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property

import numpy as np

from ramify.linear.inputs import Floats, Integers, ratio

_N_STEPS = 12


class Curvature(ABC):
    """The second derivative of a smooth loss at a point, as an operator on ``(task, feature)``.

    Tasks do not mix in it. Call it with directions ``(task, feature)``.
    """

    @abstractmethod
    def __call__(self, directions: Floats) -> Floats:
        """The product with ``directions``."""

    @abstractmethod
    def blocks(self) -> Floats:
        """One matrix for all tasks ``(feature, feature)``, or one per task, stacked in front."""

    @abstractmethod
    def diagonals(self) -> Floats:
        """The diagonals ``(task, feature)``; cheap where `blocks` are not."""

    def roots(self) -> list[Floats] | None:
        """Matrices *R* ``(row, feature)``, one for all tasks or one each, whose *RᵀR* are the blocks.

        None where they have too many rows to be cheaper than the blocks.
        """
        return None


class SmoothLoss(ABC):
    r"""The loss :math:`L(W) = \min_b \sum_t \sum_i c_{ti}\, \ell_t(x_i^T w_t + b_t, y_{ti})`.

    The intercepts are not penalised, so they are minimised out (or 0 without an intercept): a
    penalty and a solver see coefficients only. By the envelope theorem the gradient is that of
    the inner sum at the best intercepts. Coefficients have the shape ``(task, feature)``.
    """

    n_tasks: int
    n_features: int

    @abstractmethod
    def value(self, coef: Floats) -> float:
        """The loss."""

    @abstractmethod
    def value_and_gradient(self, coef: Floats) -> tuple[float, Floats]:
        """The loss and its gradient ``(task, feature)``."""

    @abstractmethod
    def curvature(self, coef: Floats) -> Curvature:
        """The second derivative at ``coef``."""

    @abstractmethod
    def local_squares(self, coef: Floats) -> "SmoothLoss":
        """A quadratic with the gradient and the curvature that this loss has at ``coef``.

        Its values are weighted squared errors, so they differ from this loss by a constant.
        """

    @abstractmethod
    def intercepts(self, coef: Floats) -> Floats:
        """The best intercepts ``(task,)`` for rows as they were given, not centred."""

    @abstractmethod
    def dual_value(self, coef: Floats, scale: float) -> float:
        """The dual objective at ``scale`` times the slopes of the loss, a bound from below.

        It bounds the loss plus any penalty whose dual ball holds ``scale`` times the gradient.
        """

    @abstractmethod
    def restricted(self, features: Integers) -> "SmoothLoss":
        """The same loss of some features, with the others left out."""

    @abstractmethod
    def steepness(self, metric: Floats | None = None) -> float:
        """An estimate of the largest curvature, to start a line search; no bound.

        Args:
            metric: What the square of each feature counts, ``(feature,)``; None for 1.
        """

    @property
    @abstractmethod
    def is_quadratic(self) -> bool:
        """Whether the curvature is the same everywhere."""

    @property
    def common_gram(self) -> Floats | None:
        """The one matrix of a quadratic loss whose tasks share their rows, if it is that."""
        return None

    @cached_property
    def at_zero(self) -> tuple[float, Floats]:
        """The loss and gradient without any coefficient."""
        return self.value_and_gradient(np.zeros((self.n_tasks, self.n_features)))

    @cached_property
    def spectra(self) -> tuple[Floats, Floats]:
        """Eigenvalues and eigenvectors of the blocks of a quadratic loss.

        They take long and stay the same along a path of strengths.
        """
        nothing = np.zeros((self.n_tasks, self.n_features))
        values, vectors = np.linalg.eigh(self.curvature(nothing).blocks())
        return values.clip(min=0), vectors


def largest_curvature(
    times: Callable[[Floats], Floats], n_tasks: int, n_features: int, metric: Floats | None
) -> float:
    """An estimate from below of the largest eigenvalue over tasks, by the power method.

    Args:
        times: The product of each task's curvature with directions ``(task, feature)``.
        n_tasks: How many curvatures there are.
        n_features: How many features.
        metric: What the square of each feature counts; None for 1.
    """
    scale = 1.0 if metric is None else 1 / np.sqrt(metric)
    # Fixed numbers, so that a fit repeats; with signs, so that no constant part is missed.
    directions = np.random.default_rng(0).normal(size=(n_tasks, n_features))
    lengths = np.zeros((n_tasks, 1))
    for _ in range(_N_STEPS):
        lengths = np.linalg.norm(directions, axis=1, keepdims=True)
        directions = scale * times(scale * ratio(directions, lengths))
    return float(np.linalg.norm(directions, axis=1).max(initial=0.0))
