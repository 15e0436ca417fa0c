"""How far apart tasks are, from the directions of their gradients."""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from ramify._core import ShapeError


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
