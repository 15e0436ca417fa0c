"""Conditions for tasks to share: from distances to groups."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cut_tree, fcluster, linkage
from scipy.spatial.distance import squareform

from ramify._core import InputError, check_count, check_number

_FARTHEST = 2.0  # of distances that are one minus a cosine


@dataclass(frozen=True)
class Similarity:
    """Tasks whose gradients point the same way share; by average linkage.

    Two clusters become one while the mean distance between their tasks is at most ``threshold``,
    or until there are ``n_groups``. Tasks with NaN distances stay alone.

    Args:
        threshold: Largest mean distance of two clusters that are joined, in [0, 2].
        n_groups: Number of groups instead of the threshold.

    Raises:
        InputError: If a number is out of range.

    Example:
        >>> import numpy as np
        >>> Similarity()(np.array([[0.0, 0.2, 0.9], [0.2, 0.0, 0.9], [0.9, 0.9, 0.0]]))
        [[0, 1], [2]]
    """

    threshold: float = 0.5
    n_groups: int | None = None

    def __post_init__(self) -> None:
        check_number("threshold", self.threshold, most=_FARTHEST)
        if self.n_groups is not None:
            check_count("n_groups", self.n_groups)

    def __call__(self, distances: Float[np.ndarray, "task task"]) -> list[list[int]]:
        """The groups, each sorted, in order of their first tasks."""
        known = _known(distances)
        labels = _clusters(distances[np.ix_(known, known)], self.threshold, self.n_groups)
        return _with_unknown(_groups_of(labels, known), len(distances))


@dataclass(frozen=True)
class Variance:
    """Tasks whose gradients point different ways share, in groups of equal size (but for one task).

    One after the other, beginning with the tasks that have the nearest neighbours, each task goes
    to the group with room whose tasks are farthest from it on average, an empty one first. So the
    two nearest tasks of all never share, and those of a cluster meet only where there are more of
    them than groups. Tasks with NaN distances stay alone.

    Args:
        n_groups: Number of groups.

    Raises:
        InputError: If it is no whole number from 1 up.

    Example:
        >>> import numpy as np
        >>> d = np.array([[0, 1, 9, 9], [1, 0, 9, 9], [9, 9, 0, 2], [9, 9, 2, 0]]) / 10
        >>> Variance(2)(d)
        [[0, 2], [1, 3]]
    """

    n_groups: int

    def __post_init__(self) -> None:
        check_count("n_groups", self.n_groups)

    def __call__(self, distances: Float[np.ndarray, "task task"]) -> list[list[int]]:
        """The groups, each sorted, in order of their first tasks."""
        known = _known(distances)
        between = distances[np.ix_(known, known)]
        groups: list[list[int]] = [[] for _ in range(min(self.n_groups, len(known)))]
        for task in _nearest_first(between):
            least, most = divmod(len(known), len(groups))
            n_large = sum(len(group) > least for group in groups)
            room = [g for g in groups if len(g) < least or (len(g) == least and n_large < most)]
            chosen = max(room, key=lambda group: _mean_distance(between[task], group))
            chosen.append(task)
        return _with_unknown([sorted(known[group].tolist()) for group in groups], len(distances))


def _clusters(
    distances: NDArray[np.float64], threshold: float, n_groups: int | None
) -> NDArray[np.int64]:
    if len(distances) < 2:
        return np.zeros(len(distances), dtype=np.int64)
    merges = linkage(squareform(distances, checks=False), method="average")
    if n_groups is None:
        labels = fcluster(merges, threshold, criterion="distance")
    else:  # exactly so many, also where distances are equal
        labels = cut_tree(merges, n_clusters=min(n_groups, len(distances)))[:, 0]
    return np.asarray(labels, dtype=np.int64)


def _nearest_first(distances: NDArray[np.float64]) -> list[int]:
    """Tasks in order of their nearest neighbours' distances; the closer to all first of equals."""
    others = np.where(np.eye(len(distances), dtype=bool), np.inf, distances)
    nearest = others.min(axis=1, initial=np.inf)
    order: list[int] = np.lexsort((distances.sum(axis=1), nearest)).tolist()
    return order


def _mean_distance(distances: NDArray[np.float64], group: list[int]) -> float:
    return float(distances[group].mean()) if group else np.inf


def _known(distances: NDArray[np.float64]) -> NDArray[np.int64]:
    known = np.flatnonzero(np.isfinite(distances.diagonal()))
    if not np.isfinite(distances[np.ix_(known, known)]).all():
        raise InputError(
            "must be known between all tasks, or unknown to all others for a task whose own is NaN",
            argument="distances",
            got="NaN or infinity between two known tasks",
        )
    return known


def _groups_of(labels: NDArray[np.int64], places: NDArray[np.int64]) -> list[list[int]]:
    return [places[labels == label].tolist() for label in np.unique(labels)]


def _with_unknown(groups: list[list[int]], n_tasks: int) -> list[list[int]]:
    placed = {t for group in groups for t in group}
    return sorted([*groups, *([t] for t in range(n_tasks) if t not in placed)])
