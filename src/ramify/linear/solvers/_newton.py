"""Newton's method with conjugate gradients, for a smooth loss plus a quadratic penalty."""

from abc import ABC, abstractmethod

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ramify.linear.inputs import Floats, inverse_or_zero
from ramify.linear.losses import Curvature, SmoothLoss
from ramify.linear.penalties import MeanCoupling, Quadratic
from ramify.linear.solvers._solution import Control, Solution

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


_SUFFICIENT = 1e-4
_SHORTEST = 1e-10


def solve_smooth(
    loss: SmoothLoss, penalty: Quadratic, start: Floats | None, control: Control
) -> Solution:
    r"""Minimise loss plus quadratic penalty.

    Linear systems are never formed: conjugate gradients need products only. For a squared loss
    the first step lands on the minimum.

    Args:
        loss: The loss.
        penalty: The penalty.
        start: Coefficients ``(task, feature)`` to start from; None for zero.
        control: When to stop. Optimality is the norm of the gradient, relative to the gradient
            at zero.

    Returns:
        The minimum, with the number of Newton steps.
    """
    coef = np.zeros((loss.n_tasks, loss.n_features)) if start is None else start.copy()
    scale = float(np.linalg.norm(loss.at_zero[1]))
    for step in range(control.max_iter + 1):
        value, gradient = loss.value_and_gradient(coef)
        gradient = gradient + penalty(coef)
        size = float(np.linalg.norm(gradient))
        optimality = size / scale if scale > 0 else size
        if optimality <= control.tol or step == control.max_iter:
            break
        direction = _newton_direction(loss, penalty, coef, gradient, control.tol * scale)
        moved = _line_search(loss, penalty, coef, direction, (value, gradient))
        if moved is None:
            break
        coef = moved
    return Solution(coef=coef, n_iter=step, optimality=optimality)


def solve_unpenalised(loss: SmoothLoss, start: Floats | None, control: Control) -> Solution:
    """Minimise the loss alone; see `solve_smooth`."""
    return solve_smooth(loss, MeanCoupling(loss.n_tasks, 0.0, 0.0), start, control)


def _newton_direction(
    loss: SmoothLoss, penalty: Quadratic, coef: Floats, gradient: Floats, goal: float
) -> Floats:
    curvature = loss.curvature(coef)
    undo = preconditioner(penalty, loss, curvature)
    # A loss that is not quadratic changes on the way: far from the minimum a rough step will do.
    size = float(np.linalg.norm(gradient))
    rough = 0.0 if loss.is_quadratic else min(0.1, np.sqrt(size)) * size * 0.1
    return _conjugate_gradients(curvature, penalty, undo, -gradient, max(goal / 4, rough))


def _conjugate_gradients(
    curvature: Curvature,
    penalty: Quadratic,
    undo: Preconditioner,
    right: Floats,
    goal: float,
) -> Floats:
    solution = np.zeros_like(right)
    residual = right.copy()
    direction = undo(residual)
    along = float(np.vdot(residual, direction))
    for _ in range(10 * right.size + 10):
        # Only rounding lets a product with a positive matrix be negative; what was found so far is kept.
        if np.linalg.norm(residual) <= goal or along <= 0:
            break
        bent = curvature(direction) + penalty(direction)
        bend = float(np.vdot(direction, bent))
        if bend <= 0:
            break
        solution += along / bend * direction
        residual -= along / bend * bent
        proposed = undo(residual)
        before, along = along, float(np.vdot(residual, proposed))
        direction = proposed + along / before * direction
    return solution


def _line_search(
    loss: SmoothLoss,
    penalty: Quadratic,
    coef: Floats,
    direction: Floats,
    here: tuple[float, Floats],
) -> Floats | None:
    """The longest of the halved steps that lowers the objective; None if rounding forbids it."""
    value, gradient = here
    value += penalty.value(coef)
    slope = float(np.vdot(gradient, direction))
    # Its model is the loss: the step cannot be too long.
    if loss.is_quadratic:
        return coef + direction
    length = 1.0
    while length > _SHORTEST:
        moved = coef + length * direction
        if loss.value(moved) + penalty.value(moved) <= value + _SUFFICIENT * length * slope:
            return moved
        length /= 2
    return None
