"""Any condition's groups, checked, and the task that stands for each."""

from collections.abc import Callable, Sequence
from operator import index

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from ramify._core import InputError, ShapeError, quoted

Condition = Callable[[NDArray[np.float64]], list[list[int]]]
"""From distances, NaN for unknown tasks, to groups of places.

One with an attribute ``settles`` that is true is not asked again once it has joined tasks.
"""


def check_condition(condition: object) -> None:
    """Check what is to be a condition.

    Raises:
        InputError: If it cannot be asked, or is a class such as `Similarity`, not one made of it.
    """
    if not callable(condition) or isinstance(condition, type):
        requirement = "must be Similarity(), Variance(n) or a function from distances to groups"
        raise InputError(requirement, argument="condition", got=quoted(condition))


def groups_by(condition: Condition, distances: Float[np.ndarray, "task task"]) -> list[list[int]]:
    """What a condition gives, checked to be a partition of the tasks and put in order.

    Args:
        condition: `Similarity`, `Variance`, or any callable that gives lists of places.
        distances: Symmetric, NaN for unknown tasks.

    Raises:
        ShapeError: If the distances are not square, or the groups no partition.
    """
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        requirement, got = "must be a square matrix", f"shape {distances.shape}"
        raise ShapeError(requirement, argument="distances", got=got)
    found: object = condition(distances)
    try:
        groups = [sorted(map(_place, group)) for group in found]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        requirement = "must give lists of places, one list per group"
        raise ShapeError(requirement, argument="condition", got=quoted(found)) from None
    if sorted(t for group in groups for t in group) != list(range(len(distances))):
        requirement = f"must put each place from 0 to {len(distances) - 1} in exactly one group"
        raise ShapeError(requirement, argument="condition", got=str(groups))
    return sorted(group for group in groups if group)


def _place(given: object) -> int:
    if isinstance(given, bool):  # of a mask, which Python counts with
        raise TypeError
    return index(given)  # type: ignore[arg-type]  # says so itself


def medoids(
    distances: Float[np.ndarray, "task task"], groups: Sequence[Sequence[int]]
) -> list[int]:
    """For each group, the task with the least sum of distances to the others; the first of equals.

    A task with NaN distances is a medoid only where no other is in its group.

    Args:
        distances: Of the tasks.
        groups: Places of the tasks in each group; none empty.

    Example:
        >>> import numpy as np
        >>> line = np.array([0.0, 1.0, 5.0])
        >>> medoids(np.abs(line[:, None] - line), [[0, 1, 2]])
        [1]
    """
    unknown = ~np.isfinite(distances.diagonal())
    sums = [np.nansum(distances[np.ix_(group, group)], axis=1) for group in groups]
    return [
        int(group[int(np.where(unknown[list(group)], np.inf, total).argmin())])
        for group, total in zip(groups, sums, strict=True)
    ]
