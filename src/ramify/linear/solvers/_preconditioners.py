"""Preconditioners: what nearly undoes the curvature of a loss plus a quadratic penalty."""

from abc import ABC, abstractmethod

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ramify.linear.inputs import Floats, inverse_or_zero
from ramify.linear.losses import Curvature, SmoothLoss
from ramify.linear.penalties import Quadratic

_MOST_BLOCK_ENTRIES = 30_000_000
_LARGEST_BLOCK = 400


class Preconditioner(ABC):
    """Nearly undoes the curvature of loss plus penalty; applied to ``(task, feature)``."""

    @abstractmethod
    def __call__(self, residual: Floats) -> Floats:
        """The direction that a residual asks for."""


def preconditioner(penalty: Quadratic, loss: SmoothLoss, curvature: Curvature) -> Preconditioner:
    """The best that is cheap: both factors, a matrix per task, or the diagonal."""
    coupling = penalty.matrix
    if loss.common_gram is not None:
        return _BothSides(loss.spectra, coupling)
    own = np.diagonal(coupling)
    if _blocks_are_cheap(loss):
        return _Blocks(curvature.blocks() + own[:, None, None] * np.eye(loss.n_features))
    return _Diagonal(curvature.diagonals() + own[:, None])


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
