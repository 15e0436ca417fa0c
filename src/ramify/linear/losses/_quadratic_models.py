"""The loss as one parabola per task, with matrices, rows or products, whichever is cheap."""

from functools import cached_property

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses._quadratic_model import Parabola, times_each
from ramify.linear.losses._row_space_model import RootParabola
from ramify.linear.losses._smooth import Curvature, SmoothLoss

_MOST_BLOCK_ENTRIES = 30_000_000
_LARGEST_BLOCK = 1000
_MOST_STEPS = 200
_PRECISION = 1e-3


def parabola_at(loss: SmoothLoss, coef: Floats, gradient: Floats, steeper: float = 1.0) -> Parabola:
    """The parabola that has the loss's slope and curvature at ``coef``.

    Args:
        loss: The loss.
        coef: Coefficients ``(task, feature)``.
        gradient: Of the loss there.
        steeper: What to multiply the curvature by.
    """
    curvature = loss.curvature(coef)
    linear = steeper * curvature(coef) - gradient
    if (roots := curvature.roots()) is not None:
        return RootParabola(curvature, linear, roots, steeper)
    if has_cheap_blocks(loss):
        spectra = loss.spectra if loss.is_quadratic and steeper == 1 else None
        return BlockParabola(steeper * curvature.blocks(), linear, spectra)
    return _OperatorParabola(curvature, linear, steeper)


def has_cheap_blocks(loss: SmoothLoss) -> bool:
    """Whether a matrix ``(feature, feature)`` per task is worth its memory and time."""
    size = loss.n_features
    n_blocks = 1 if loss.common_gram is not None else loss.n_tasks
    return size <= _LARGEST_BLOCK and n_blocks * size**2 <= _MOST_BLOCK_ENTRIES


class BlockParabola(Parabola):
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


class _OperatorParabola(Parabola):
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
            length = _ratio(along, _each(direction, bent))
            coef += length * direction
            residual -= length * bent
            proposed = inverse * residual
            before, along = along, _each(residual, proposed)
            direction = proposed + _ratio(along, before) * direction
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


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
