"""Conditions for tasks to share: from distances to groups; what is asked of any, and the controls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import index
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cut_tree, fcluster, linkage
from scipy.spatial.distance import squareform

from ramify._core import InputError, ShapeError, check_count, check_number, checked, quoted

_FARTHEST = 2.0  # of distances that are one minus a cosine

Condition = Callable[[NDArray[np.float64]], list[list[int]]]
"""From distances, NaN for unknown tasks, to groups of places.

One with an attribute ``settles`` that is true is not asked again once it has joined tasks.
"""


@checked
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


@checked
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


@dataclass(frozen=True)
class Shuffled:
    """As many groups, of the same sizes, as another condition finds, but of tasks at random.

    What such groups reach is owed to sharing as such; only what the found groups reach beyond it
    is owed to which tasks share. Tasks with NaN distances stay alone. `SelectiveSharing` draws
    once: groups at random all have mixed gradients, which look alike, and a second look would join
    them.

    Args:
        condition: What decides the sizes.
        seed: Of the draw; the same for every call with as many tasks.

    Attributes:
        settles: Whether the first groups that it finds are to stay.

    Raises:
        InputError: If the condition is none, or the seed no whole number from 0 up.

    Example:
        >>> import numpy as np
        >>> from ramify.grouping import Similarity
        >>> far = np.ones((4, 4)) - np.eye(4)
        >>> far[0, 1] = far[1, 0] = 0.1
        >>> sorted(len(group) for group in Shuffled(Similarity(), seed=1)(far))
        [1, 1, 2]
    """

    condition: Condition
    seed: int = 0
    settles: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_condition(self.condition)
        check_count("seed", self.seed, 0)

    def __call__(self, distances: Float[np.ndarray, "task task"]) -> list[list[int]]:
        """The groups, each sorted, in order of their first tasks."""
        known = np.flatnonzero(np.isfinite(distances.diagonal()))
        drawn = np.arange(len(distances))
        drawn[known] = np.random.default_rng([self.seed, len(known)]).permutation(known)
        return sorted(
            sorted(drawn[group].tolist()) for group in groups_by(self.condition, distances)
        )


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


def _place(given: object) -> int:
    if isinstance(given, bool | np.bool_):  # of a mask, which Python counts with
        raise TypeError
    return index(given)  # type: ignore[arg-type]  # says so itself


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
