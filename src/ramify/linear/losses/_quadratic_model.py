"""The loss as one quadratic per task, with matrices, rows or products, whichever is cheap."""

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from ramify.linear.inputs import Floats, ratio
from ramify.linear.losses._smooth import Curvature, SmoothLoss

_MOST_BLOCK_ENTRIES = 30_000_000
_LARGEST_BLOCK = 1000
_MOST_STEPS = 200
_PRECISION = 1e-3
_COUNTED = 1e-9


class QuadraticModel(ABC):
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


def quadratic_model_at(
    loss: SmoothLoss, coef: Floats, gradient: Floats, steeper: float = 1.0
) -> QuadraticModel:
    """The quadratic model that has the loss's slope and curvature at ``coef``.

    Args:
        loss: The loss.
        coef: Coefficients ``(task, feature)``.
        gradient: Of the loss there.
        steeper: What to multiply the curvature by.
    """
    curvature = loss.curvature(coef)
    linear = steeper * curvature(coef) - gradient
    if (roots := curvature.roots()) is not None:
        return RowSpaceModel(curvature, linear, roots, steeper)
    if has_cheap_blocks(loss):
        spectra = loss.spectra if loss.is_quadratic and steeper == 1 else None
        return BlockModel(steeper * curvature.blocks(), linear, spectra)
    return _OperatorModel(curvature, linear, steeper)


def has_cheap_blocks(loss: SmoothLoss) -> bool:
    """Whether a matrix ``(feature, feature)`` per task is worth its memory and time."""
    size = loss.n_features
    n_blocks = 1 if loss.common_gram is not None else loss.n_tasks
    return size <= _LARGEST_BLOCK and n_blocks * size**2 <= _MOST_BLOCK_ENTRIES


class BlockModel(QuadraticModel):
    """With matrices, diagonalised once: a point near another costs two products, at any rate.

    Args:
        blocks: *H*, one for all tasks ``(feature, feature)`` or one each, stacked in front.
        linear: *c*, ``(task, feature)``.
        spectra: Eigenvalues and eigenvectors of *H*, if they are known.
    """

    def __init__(
        self, blocks: Floats, linear: Floats, spectra: tuple[Floats, Floats] | None = None
    ) -> None:
        super().__init__(linear)
        self.blocks = blocks
        values, vectors = np.linalg.eigh(blocks) if spectra is None else spectra
        self._values: Floats = values.clip(min=0)
        self._vectors: Floats = vectors

    def times(self, coef: Floats) -> Floats:
        return times_each(self.blocks, coef)

    def near(self, target: Floats, rate: float, start: Floats) -> Floats:
        turned = times_each(self._vectors.swapaxes(-1, -2), self.linear + rate * target)
        return times_each(self._vectors, turned / (self._values + rate))

    def solve_typical(self, rows: Floats, factors: Floats, ridge: float) -> Floats:
        values, vectors = self._typical
        return ((rows @ vectors) / (np.outer(factors, values) + ridge)) @ vectors.T

    @cached_property
    def _typical(self) -> tuple[Floats, Floats]:
        if self.blocks.ndim == 2:
            return self._values, self._vectors
        values, vectors = np.linalg.eigh(self.blocks.mean(axis=0))
        return values.clip(min=0), vectors

    @property
    def middle_curvature(self) -> float:
        counted = self._values[self._values > 1e-9 * self._values.max(initial=0.0)]
        return float(np.exp(np.log(counted).mean())) if counted.size else 1.0


class _OperatorModel(QuadraticModel):
    """With products only: conjugate gradients from where the last ones ended."""

    def __init__(self, curvature: Curvature, linear: Floats, steeper: float) -> None:
        super().__init__(linear)
        self._curvature = curvature
        self._steeper = steeper
        self._diagonals = steeper * curvature.diagonals().clip(min=0)

    def times(self, coef: Floats) -> Floats:
        return self._steeper * self._curvature(coef)

    def near(self, target: Floats, rate: float, start: Floats) -> Floats:
        coef = start.copy()
        inverse = 1 / (self._diagonals + rate)
        residual = self.linear + rate * (target - coef) - self.times(coef)
        direction = inverse * residual
        along = _each(residual, direction)
        # Each task by itself, so that one hard task does not spoil the steps of the others.
        goal = _PRECISION**2 * along
        for _ in range(_MOST_STEPS):
            if (along <= goal).all():
                break
            bent = self.times(direction) + rate * direction
            length = ratio(along, _each(direction, bent))
            coef += length * direction
            residual -= length * bent
            proposed = inverse * residual
            before, along = along, _each(residual, proposed)
            direction = proposed + ratio(along, before) * direction
        return coef

    def solve_typical(self, rows: Floats, factors: Floats, ridge: float) -> Floats:
        return rows / (np.outer(factors, self._diagonals.mean(axis=0)) + ridge)

    @property
    def middle_curvature(self) -> float:
        counted = self._diagonals[self._diagonals > 1e-9 * self._diagonals.max(initial=0.0)]
        return float(np.exp(np.log(counted).mean())) if counted.size else 1.0


def _each(left: Floats, right: Floats) -> Floats:
    product: Floats = np.einsum("tp,tp->t", left, right)[:, None]
    return product


class RowSpaceModel(QuadraticModel):
    r"""With rows *R*, where :math:`H = R^\top R`: systems are as large as there are rows.

    .. math:: (R^\top R + r I)^{-1} u = \tfrac1r \bigl(u - R^\top (R R^\top + r I)^{-1} R u\bigr)

    A point near another costs two products with the rows, at any *r*.

    Args:
        curvature: What the rows are those of.
        linear: *c*, ``(task, feature)``.
        roots: *R* ``(row, feature)``, one for all tasks or one each.
        steeper: What to multiply *H* by.
    """

    def __init__(
        self, curvature: Curvature, linear: Floats, roots: list[Floats], steeper: float
    ) -> None:
        super().__init__(linear)
        self._curvature, self._steeper, self._roots = curvature, steeper, roots
        spectra = [np.linalg.eigh(steeper * root @ root.T) for root in roots]
        self._spectra = [(values.clip(min=0), vectors) for values, vectors in spectra]

    def times(self, coef: Floats) -> Floats:
        return self._steeper * self._curvature(coef)

    def near(self, target: Floats, rate: float, start: Floats) -> Floats:
        wanted = self.linear + rate * target
        if len(self._roots) == 1:
            return self._solved(0, wanted, rate)
        each = [self._solved(t, row[None], rate)[0] for t, row in enumerate(wanted)]
        return np.stack(each)

    def solve_typical(self, rows: Floats, factors: Floats, ridge: float) -> Floats:
        squares = [(root**2).sum(axis=0) for root in self._roots]
        diagonal = self._steeper * np.mean(squares, axis=0)
        solved: Floats = rows / (np.outer(factors, diagonal) + ridge)
        return solved

    @property
    def middle_curvature(self) -> float:
        values = np.concatenate([values for values, _ in self._spectra])
        counted = values[values > _COUNTED * values.max(initial=0.0)]
        return float(np.exp(np.log(counted).mean())) if counted.size else 1.0

    def _solved(self, t: int, wanted: Floats, rate: float) -> Floats:
        """The inverse of *H + rI* times rows ``(row, feature)``."""
        root, (values, vectors) = self._roots[t], self._spectra[t]
        among_rows = ((wanted @ root.T) @ vectors / (values + rate)) @ vectors.T
        solved: Floats = (wanted - self._steeper * among_rows @ root) / rate
        return solved
