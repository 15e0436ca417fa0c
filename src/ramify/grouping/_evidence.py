"""What is known of how alike tasks are: affinities with their gaps filled, distances, contrast."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from ramify._core import InputError, ShapeError

LEAST_KNOWN = 0.25
_PANEL = 1000  # rows


def known_share(affinity: Float[np.ndarray, "task task"]) -> float:
    """Share of the pairs of tasks whose affinity is known, in [0, 1]; 1 for a single task.

    Args:
        affinity: Of the tasks; NaN for a pair never seen.

    Raises:
        ShapeError: If it is not square.
        InputError: If it holds values outside [0, 1].

    Example:
        >>> import numpy as np
        >>> known_share(np.array([[1.0, 0.8, np.nan], [0.8, 1.0, np.nan], [np.nan, np.nan, 1.0]]))
        0.3333333333333333
    """
    known = _known(_checked(affinity))
    n_pairs = len(known) * (len(known) - 1)
    return float(known.sum() / n_pairs) if n_pairs else 1.0


def has_evidence(affinity: Float[np.ndarray, "task task"]) -> bool:
    """Whether a quarter of the pairs of tasks are known: with fewer there is nothing to divide by.

    Args:
        affinity: Of the tasks; NaN for a pair never seen.

    Example:
        >>> import numpy as np
        >>> has_evidence(np.full((4, 4), np.nan))
        False
    """
    return known_share(affinity) >= LEAST_KNOWN


def unknown_pairs(affinity: Float[np.ndarray, "task task"]) -> Int[np.ndarray, "pair 2"]:
    """The pairs of tasks whose affinity is not known, the lower place first.

    Args:
        affinity: Of the tasks; NaN for a pair never seen.

    Example:
        >>> import numpy as np
        >>> unknown_pairs(np.array([[1.0, np.nan], [np.nan, 1.0]]))
        array([[0, 1]])
    """
    known = _known(_checked(affinity))
    np.fill_diagonal(known, True)
    return np.argwhere(np.triu(~known))


def cleaned_affinity(affinity: Float[np.ndarray, "task task"]) -> NDArray[np.float64]:
    """A symmetric float64 copy with 1 on the diagonal and unknown pairs at the mean of the rest.

    Filling in is for clustering only, which takes whole matrices: what is decided by it is decided
    by the other pairs. Ask `has_evidence` before.

    Raises:
        ShapeError: If the affinity is not square.
        InputError: If it holds values outside [0, 1].
    """
    matrix = _checked(affinity)
    known = ~np.isnan(matrix)
    n_known = int(known.sum())
    matrix[~known] = float(matrix.sum(where=known)) / n_known if n_known else 0.5
    np.fill_diagonal(matrix, 1.0)
    for start in range(0, len(matrix), _PANEL):  # a whole transposed copy takes as much again
        rows, rest = slice(start, start + _PANEL), slice(start, None)
        mean = (matrix[rows, rest] + matrix[rest, rows].T) / 2
        matrix[rows, rest], matrix[rest, rows] = mean, mean.T
    return matrix


def _checked(affinity: NDArray[np.float64]) -> NDArray[np.float64]:
    """A float64 copy with NaN on the diagonal."""
    matrix = np.array(affinity, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) == 0:
        raise ShapeError(
            "must be a square matrix", argument="affinity", got=f"shape {matrix.shape}"
        )
    np.fill_diagonal(matrix, np.nan)
    known = ~np.isnan(matrix)
    low, high = matrix.min(initial=1, where=known), matrix.max(initial=0, where=known)
    if low < 0 or high > 1 + 1e-9:
        got = f"values from {low:.3g} to {high:.3g}"
        raise InputError("must lie in [0, 1]", argument="affinity", got=got)
    return matrix


def _known(matrix: NDArray[np.float64]) -> Bool[np.ndarray, "task task"]:
    """Whether either direction of a pair is known."""
    known = ~np.isnan(matrix)
    known |= known.T
    return known


def factor_distances(
    loadings: Float[np.ndarray, "task factor"],
    known: Bool[np.ndarray, " task"],
    *,
    signed: bool = True,
) -> NDArray[np.float64]:
    r"""Cosine distances between the tasks' loadings, ``(task, task)``, 0 on the diagonal.

    :math:`1 - \cos` in [0, 2], or, for tasks whose targets may be each other's negative,
    :math:`1 - |\cos|` in [0, 1].

    Args:
        loadings: Each task's place among the factors; any value where unknown.
        known: Whether the task had any gradient.
        signed: Whether opposite directions are far apart.

    Returns:
        Symmetric; NaN in the row and column of an unknown task.

    Raises:
        ShapeError: If the two do not fit.

    Example:
        >>> import numpy as np
        >>> rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
        >>> factor_distances(rows, np.array([True, True, False]))[:2]
        array([[ 0.,  2., nan],
               [ 2.,  0., nan]])
    """
    if loadings.ndim != 2 or known.shape != loadings.shape[:1]:
        raise ShapeError(
            "`loadings` must be (task, factor) and `known` (task,). "
            f"Got {loadings.shape} and {known.shape}"
        )
    rows = np.where(known[:, None], loadings, np.nan).astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(lengths > 0, lengths, 1.0)
    cosines = (rows @ rows.T).clip(-1, 1)
    distances: NDArray[np.float64] = 1 - (cosines if signed else np.abs(cosines))
    np.fill_diagonal(distances, 0.0)
    distances[~known] = np.nan  # also where there are no factors, so no row is NaN
    distances[:, ~known] = np.nan
    return distances


_LEAST_AGREEMENT = 0.1


def contrasted(affinity: Float[np.ndarray, "task task"]) -> NDArray[np.float64]:
    r"""Stretch a chance-corrected affinity around 1/2 until the typical nearest pair is at 1.

    .. math:: A' = \tfrac12 \bigl(1 + \min(1, (2A - 1) / q)\bigr), \qquad
              q = \max(0.1, \mathrm{median}_i \max_{j \ne i} (2 A(i, j) - 1))

    Noise keeps even two copies of one task from agreeing on which samples are difficult. The
    separation cost measures the distance from 1, so without the stretch a group of tasks that
    belong together pays nearly as much as one of strangers, and a task alone, which pays nothing,
    always seems best. Unrelated tasks stay at 1/2: the floor of 0.1 keeps noise from being
    stretched. This step is ours, not the paper's.

    Args:
        affinity: In [0, 1], where 1/2 means unrelated; NaN for a pair never seen.

    Returns:
        Symmetric, 1 on the diagonal, in [0, 1]; NaN for the same pairs.

    Example:
        >>> import numpy as np
        >>> a = np.array([[1.0, 0.7, 0.5], [0.7, 1.0, 0.5], [0.5, 0.5, 1.0]])
        >>> contrasted(a).round(3)
        array([[1. , 1. , 0.5],
               [1. , 1. , 0.5],
               [0.5, 0.5, 1. ]])
    """
    agreement = 2 * cleaned_affinity(affinity) - 1
    if len(agreement) == 1:
        return np.ones((1, 1))
    unknown = tuple(unknown_pairs(affinity).T)
    np.fill_diagonal(agreement, -np.inf)
    agreement[unknown] = agreement[unknown[::-1]] = -np.inf
    nearest = agreement.max(axis=1)
    nearest = nearest[np.isfinite(nearest)]
    typical = max(_LEAST_AGREEMENT, float(np.median(nearest)) if len(nearest) else 0.0)
    agreement /= typical
    stretched: NDArray[np.float64] = (1 + agreement.clip(-1, 1, out=agreement)) / 2
    stretched[unknown] = stretched[unknown[::-1]] = np.nan
    np.fill_diagonal(stretched, 1.0)
    return stretched
