"""Non-negative minima of a quadratic function, for several slopes at once."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import nnls

from ramify.weighting._base import Matrix, Vector

_TOLERANCE = 1e-8  # of slopes, where the diagonal is about 1
_MOST_STEPS, _MOST_ROUNDS, _CHANCES = 16, 6, 3
_TINY, _LARGE = (
    1e-12,
    1e6,
)  # on the diagonal, so that dependent rows have a solution; too large a one

Slopes = Float[np.ndarray, "task column"]
Mask = Bool[np.ndarray, "task column"]
Found = Bool[np.ndarray, " column"]


def least_nonnegative(matrix: Matrix, slopes: Slopes) -> Slopes:
    r"""For each column *f* of slopes, the x that solves :math:`\min_{x \ge 0} \tfrac12 x^\top A x + f^\top x`.

    All columns take the same steps down the slope, each with its own length (Barzilai and Borwein),
    one product of matrices a step; where A is near the identity that ends within ten steps.
    Columns that it leaves go on by exchanging what is 0 and what is not until neither is violated
    (block principal pivoting, Kim and Park), and the last resort is non-negative least squares, one
    column at a time.

    Args:
        matrix: A; symmetric, without negative eigenvalues, its diagonal about 1.
        slopes: At 0; in the range of A.

    References:
        Barzilai, Borwein. *Two-Point Step Size Gradient Methods*, 1988.
        Kim, Park. *Fast Nonnegative Matrix Factorization: An Active-Set-Like Method and
        Comparisons*, SIAM J. Sci. Comput. 2011.
    """
    values, found = _by_steps(matrix, slopes)
    rest = np.flatnonzero(~found)
    if len(rest):
        values[:, rest] = _exactly(matrix, slopes[:, rest], values[:, rest] > 0)
    return values


def least_from_all(matrix: Matrix, slope: Vector) -> Vector:
    """The same for one column of which most values are positive: exchanging starts from all."""
    column = slope[:, None]
    return _exactly(matrix, column, np.ones(column.shape, dtype=bool))[:, 0]


def _exactly(matrix: Matrix, slopes: Slopes, free: Mask) -> Slopes:
    values, found = _by_exchange(matrix + _TINY * np.eye(len(matrix)), slopes, free)
    rest = np.flatnonzero(~found)
    if len(rest):
        roots, vectors = np.linalg.eigh(matrix)
        roots = np.sqrt(roots.clip(min=0))
        known = roots > roots[-1] * np.sqrt(len(roots) * np.finfo(float).eps)
        # |Rx − b|² with RᵀR = A and Rᵀb = −f differs from the function by a constant.
        targets = -(vectors[:, known] / roots[known]).T @ slopes[:, rest]
        system = roots[known, None] * vectors[:, known].T
        for place, target in zip(rest, targets.T, strict=True):
            values[:, place] = nonnegative(system, target)
    return values


def nonnegative(system: Matrix, target: Vector) -> Vector:
    """Non-negative least squares."""
    found: Vector = nnls(system, target, maxiter=100 * system.shape[1])[0]
    return found


def _by_steps(matrix: Matrix, slopes: Slopes) -> tuple[Slopes, Found]:
    """Projected steps from 0; and which columns arrived."""
    values, lengths = np.zeros_like(slopes), np.ones(slopes.shape[1])
    arrived: Found = np.all(slopes >= 0, axis=0)
    for step in range(_MOST_STEPS):
        if arrived.all():
            break
        moved = np.maximum(values - slopes * lengths, 0)
        moves = moved - values
        change = matrix @ moves
        values, slopes = moved, slopes + change
        violated = np.where(values > 0, np.abs(slopes), -slopes)
        arrived = np.all(violated <= _TOLERANCE, axis=0)
        # Two lengths take turns: the short one settles what the long one stirs up.
        along = (moves * change).sum(axis=0)
        over = change if step % 2 else moves
        squares = (over * over).sum(axis=0)
        known = (along > 0) & (squares > 0)
        ratio = np.divide(along, squares, out=np.ones_like(along), where=known)
        lengths = np.where(known, ratio if step % 2 else 1 / ratio, lengths)
    return values, arrived


def _by_exchange(matrix: Matrix, slopes: Slopes, free: Mask) -> tuple[Slopes, Found]:
    """Minima from a guess of what is positive; and which columns have one."""
    values, found = np.zeros_like(slopes), np.zeros(slopes.shape[1], dtype=bool)
    free, fewest = free.copy(), np.full(slopes.shape[1], len(matrix) + 1)
    chances = np.full(slopes.shape[1], _CHANCES)
    for _ in range(_MOST_ROUNDS):
        left = np.flatnonzero(~found)
        if not len(left):
            break
        tried, after = _on_free(matrix, slopes[:, left], free[:, left])
        wrong = np.where(free[:, left], tried < -_TOLERANCE, after < -_TOLERANCE)
        n_wrong = wrong.sum(axis=0)
        done = left[n_wrong == 0]
        values[:, done], found[done] = tried[:, n_wrong == 0].clip(min=0), True
        better = n_wrong < fewest[left]
        fewest[left] = np.minimum(n_wrong, fewest[left])
        chances[left] = np.where(better, _CHANCES, chances[left] - 1)
        # Exchanging all at once may go round in circles; the last one alone never does.
        last = len(wrong) - 1 - wrong[::-1].argmax(axis=0)
        alone = np.arange(len(wrong))[:, None] == last
        free[:, left] ^= wrong & (alone | (chances[left] >= 0))
    found &= np.all(values <= _LARGE, axis=0)
    return values, found


def _on_free(matrix: Matrix, slopes: Slopes, free: Mask) -> tuple[Slopes, Slopes]:
    """Where the slopes of what is free vanish, with the rest at 0; and the slopes there."""
    most = int(free.sum(axis=0).max())
    # What is free comes first in each column's order; rows of the identity keep the rest at 0.
    order = np.argsort(~free, axis=0, kind="stable")[:most].T
    real = np.take_along_axis(free.T, order, axis=1)
    systems = matrix[order[:, :, None], order[:, None, :]]
    systems = np.where(real[:, :, None] & real[:, None, :], systems, np.eye(most))
    targets = np.where(real, -np.take_along_axis(slopes.T, order, axis=1), 0.0)
    solutions = np.linalg.solve(systems, targets[:, :, None])[:, :, 0]
    values = np.zeros(free.shape)
    np.put_along_axis(values, order.T, solutions.T, axis=0)
    return values, matrix @ values + slopes
