"""Kernel regression with missing labels: one run of conjugate gradients for all strengths."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ramify.kernels._inputs import Integers

Columns = NDArray[Any]
"""``(row, column)`` in the precision of the products."""


class Matrix(ABC):
    """A symmetric matrix ``(row, row)``, as far as it is multiplied with; each column may have its own."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Precision of the products."""

    @abstractmethod
    def times(self, columns: Columns, place: Integers) -> Columns:
        """The matrix times columns.

        Args:
            columns: ``(row, column)``.
            place: Which column of the problem each of them belongs to.
        """

    @abstractmethod
    def part_times(self, rows: Integers, columns: Columns, place: Integers) -> Columns:
        """Some rows of the matrix times columns.

        Args:
            rows: Which.
            columns: ``(row, column)``.
            place: Which column of the problem each of them belongs to.
        """


class Gram(Matrix):
    """A kernel matrix: the same for every column, and its blocks can be multiplied with too."""

    @property
    @abstractmethod
    def means(self) -> tuple[float, float]:
        """The mean of the diagonal, and of the whole matrix."""

    @abstractmethod
    def block_times(self, rows: slice, columns: Columns) -> Columns:
        """The block of some rows with themselves, times columns of these rows."""

    @abstractmethod
    def rows_times(self, rows: Integers | slice, columns: Columns) -> Columns:
        """Some rows of the matrix times columns."""

    def times(self, columns: Columns, place: Integers) -> Columns:
        """The matrix times columns."""
        return self.rows_times(slice(None), columns)

    def part_times(self, rows: Integers, columns: Columns, place: Integers) -> Columns:
        """Some rows of the matrix times columns."""
        return self.rows_times(rows, columns)


class DenseGram(Gram):
    """The matrix itself."""

    def __init__(self, matrix: Columns) -> None:
        self.matrix = matrix

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the products."""
        return self.matrix.dtype

    @property
    def means(self) -> tuple[float, float]:
        """The mean of the diagonal, and of the whole matrix."""
        diagonal = self.matrix.diagonal().mean(dtype=np.float64)
        return float(diagonal), float(self.matrix.mean(dtype=np.float64))

    def block_times(self, rows: slice, columns: Columns) -> Columns:
        """The block of some rows with themselves, times columns of these rows."""
        return np.asarray(self.matrix[rows, rows] @ columns)

    def rows_times(self, rows: Integers | slice, columns: Columns) -> Columns:
        """Some rows of the matrix times columns."""
        return np.asarray(self.matrix[rows] @ columns)


class FactorGram(Gram):
    """The product of a factor ``(row, feature)`` with itself, never formed."""

    def __init__(self, factor: Columns) -> None:
        self.factor = factor

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the products."""
        return self.factor.dtype

    @property
    def means(self) -> tuple[float, float]:
        """The mean of the diagonal, and of the whole matrix."""
        diagonal = (self.factor**2).sum(dtype=np.float64) / len(self.factor)
        mean = self.factor.mean(axis=0, dtype=np.float64)
        return float(diagonal), float(mean @ mean)

    def block_times(self, rows: slice, columns: Columns) -> Columns:
        """The block of some rows with themselves, times columns of these rows."""
        return np.asarray(self.factor[rows] @ (self.factor[rows].T @ columns))

    def rows_times(self, rows: Integers | slice, columns: Columns) -> Columns:
        """Some rows of the matrix times columns."""
        return np.asarray(self.factor[rows] @ (self.factor.T @ columns))


def solve_shifted(
    matrix: Matrix,
    mask: Columns,
    targets: Columns,
    shifts: NDArray[np.float64],
    *,
    tol: float,
    max_iter: int,
) -> tuple[Columns, int]:
    r"""Solve :math:`(P K P + s I) a = P y` for every column and every shift *s*.

    *P* keeps a column's own rows and takes out their mean, which is what an intercept does that is
    not penalised. All shifts of a column have the same residuals but for a factor, so the products
    of the smallest shift serve the others; and a column costs no more for having many.

    Args:
        matrix: *K*.
        mask: ``(row, column)``: 1 for a column's own rows, else 0.
        targets: ``(row, column)``, already within the range of *P*.
        shifts: ``(shift, column)``, ascending, positive.
        tol: A column ends when the residual of its smallest shift is this part of its targets.
        max_iter: Most products.

    Returns:
        Coefficients ``(shift, row, column)``, and the products that were made.

    References:
        Frommer and Maass. *Fast CG-Based Methods for Tikhonov-Phillips Regularization*, SIAM Journal
        on Scientific Computing 1999, algorithm 3.
    """
    run = _Run(mask, targets, shifts)
    found = np.zeros((len(shifts), *targets.shape), dtype=targets.dtype)
    while run.n_steps < max_iter and not run.has_ended(tol).all():
        if run.ended.mean() > _COMPACTED:
            run.store(found)
            run.compact(~run.ended)
        run.step(matrix)
    run.store(found)
    return found, run.n_steps


_COMPACTED = 0.2  # so large a part of the columns must have ended before they are taken out
_SETTLED = 1e-8  # a shift whose residual is this part of that of the smallest one moves no more


class _Run:
    """The state of the columns that go on."""

    def __init__(self, mask: Columns, targets: Columns, shifts: NDArray[np.float64]) -> None:
        self.n_steps = 0
        self.ended = np.zeros(targets.shape[1], dtype=bool)
        self.place = np.arange(targets.shape[1])
        self.mask, self.count = mask, np.maximum(mask.sum(axis=0, dtype=np.float64), 1)
        self.shifts = shifts
        self.residual, self.direction = targets.copy(), targets.copy()
        self.directions = np.repeat(targets[None], len(shifts), axis=0)
        self.found = np.zeros_like(self.directions)
        self.square = _dots(targets, targets)
        self.first = self.square.copy()
        self.factor = np.ones_like(shifts)  # of each shift's residual to that of the smallest
        self.last_factor = np.ones_like(shifts)
        self.last_step, self.last_turn = np.ones(len(self.place)), np.zeros(len(self.place))

    def has_ended(self, tol: float) -> NDArray[np.bool_]:
        self.ended |= self.square <= tol**2 * self.first
        return self.ended

    def step(self, matrix: Matrix) -> None:
        image = self._projected(matrix.times(self.direction, self.place))
        image += self.shifts[0].astype(image.dtype) * self.direction
        along = _dots(self.direction, image)
        step = np.divide(self.square, along, out=np.zeros_like(along), where=along > 0)
        factor = self._next_factor(step)
        steps = step * np.divide(
            factor, self.factor, out=np.zeros_like(factor), where=self.factor > 0
        )
        dtype = image.dtype
        steps[:, self.ended] = 0.0  # so that a column's answer does not hang on its neighbours
        moved = steps.astype(dtype)[:, None, :] * self.directions
        self.found += moved
        self.residual -= step.astype(dtype) * image
        square = _dots(self.residual, self.residual)
        turn = np.divide(square, self.square, out=np.zeros_like(square), where=self.square > 0)
        ratio = np.divide(factor, self.factor, out=np.zeros_like(factor), where=self.factor > 0)
        self.direction *= turn.astype(dtype)
        self.direction += self.residual
        self.directions *= (turn * ratio**2).astype(dtype)[:, None, :]
        self.directions += factor.astype(dtype)[:, None, :] * self.residual
        self.last_factor, self.factor = self.factor, factor
        self.last_step, self.last_turn, self.square = step, turn, square
        self.n_steps += 1

    def _next_factor(self, step: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each shift, by the three-term recurrence of the residuals."""
        apart = self.shifts - self.shifts[0]
        old, now = self.last_factor, self.factor
        below = step * self.last_turn * (old - now) + old * self.last_step * (1 + apart * step)
        above = now * old * self.last_step
        factor = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
        return np.where(factor > _SETTLED, factor, 0.0)

    def _projected(self, columns: Columns) -> Columns:
        columns = columns * self.mask
        means = columns.sum(axis=0, dtype=np.float64) / self.count
        return np.asarray(columns - self.mask * means.astype(columns.dtype))

    def store(self, found: Columns) -> None:
        found[:, :, self.place] = self.found

    def compact(self, kept: NDArray[np.bool_]) -> None:
        """Go on with some columns."""
        self.place, self.count = self.place[kept], self.count[kept]
        for name in ("mask", "residual", "direction", "shifts", "factor", "last_factor"):
            setattr(self, name, getattr(self, name)[:, kept])
        self.directions, self.found = self.directions[:, :, kept], self.found[:, :, kept]
        for name in ("ended", "square", "first", "last_step", "last_turn"):
            setattr(self, name, getattr(self, name)[kept])


def _dots(a: Columns, b: Columns) -> NDArray[np.float64]:
    """Column by column, summed in double precision."""
    return np.asarray((a * b).sum(axis=0, dtype=np.float64))
