"""Trivial partitions, used as controls: all tasks together, and each alone."""

import numpy as np
from jaxtyping import Float


def together(distances: Float[np.ndarray, "task task"]) -> list[list[int]]:
    """All tasks in one group, also unknown ones.

    As the condition of `SelectiveSharing` it gives a single estimator from the first look on: what
    groups reach beyond it is not owed to the estimator, which one shared network lacks.

    Args:
        distances: Of the tasks; only their number counts.

    Example:
        >>> together(np.eye(3))
        [[0, 1, 2]]
    """
    return [list(range(len(distances)))]


def apart(distances: Float[np.ndarray, "task task"]) -> list[list[int]]:
    """Each task alone.

    As the condition of `SelectiveSharing` it keeps one estimator per task to the end: what groups
    reach beyond it is owed to their sharing.

    Args:
        distances: Of the tasks; only their number counts.

    Example:
        >>> apart(np.eye(3))
        [[0], [1], [2]]
    """
    return [[t] for t in range(len(distances))]
