"""From the affinity of tasks to the affinity of the branches that serve them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from ramify._core import ShapeError


def branch_affinity(
    affinity: Float[np.ndarray, "task task"], groups: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    r"""Affinity of branches: how close each task of one is to the farthest task of the other.

    .. math:: \tilde A_b(k, l) = \mathrm{mean}_{i \in k} \min_{j \in l} A(i, j), \qquad
              A_b(k, l) = \tfrac12 (\tilde A_b(k, l) + \tilde A_b(l, k))

    The minimum includes a task's affinity to itself where a branch is compared with itself, so the
    diagonal is 1 for a branch of one task and less for the others.

    Args:
        affinity: Of the tasks themselves; never one that is already aggregated.
        groups: For each branch, the places of its tasks. None empty.

    Returns:
        Symmetric ``(branch, branch)`` matrix.

    Raises:
        ShapeError: If the affinity is not square or a group is empty or names no task of it.

    References:
        Lu et al. *Fully-adaptive Feature Sharing in Multi-Task Networks*, CVPR 2017, eq. (5), (6).

    Example:
        >>> import numpy as np
        >>> a = np.array([[1.0, 0.8, 0.5], [0.8, 1.0, 0.5], [0.5, 0.5, 1.0]])
        >>> branch_affinity(a, [[0, 1], [2]])
        array([[0.8, 0.5],
               [0.5, 1. ]])
    """
    _check(affinity, groups)
    order = np.concatenate([np.asarray(group, dtype=np.int64) for group in groups])
    sizes = np.array([len(group) for group in groups])
    ordered = affinity[np.ix_(order, order)]
    if (sizes > 1).any():
        starts = np.cumsum(sizes) - sizes
        # For each task, the smallest affinity to a task of each branch; then means over branches.
        nearest = np.minimum.reduceat(ordered, starts, axis=1)
        ordered = np.add.reduceat(nearest, starts, axis=0) / sizes[:, None]
    symmetric: NDArray[np.float64] = (ordered + ordered.T) / 2
    return symmetric


def _check(affinity: NDArray[np.float64], groups: Sequence[Sequence[int]]) -> None:
    if affinity.ndim != 2 or affinity.shape[0] != affinity.shape[1]:
        requirement, got = "must be a square matrix", f"shape {affinity.shape}"
        raise ShapeError(requirement, argument="affinity", got=got)
    n_tasks = len(affinity)
    if not groups or any(
        not group or not 0 <= min(group) <= max(group) < n_tasks for group in groups
    ):
        requirement = f"must be non-empty lists of places from 0 to {n_tasks - 1}"
        raise ShapeError(requirement, argument="groups", got=str(list(groups)))
