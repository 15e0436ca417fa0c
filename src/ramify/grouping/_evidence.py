"""What an affinity knows: a symmetric copy with the rest filled in, and how much that is."""

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
