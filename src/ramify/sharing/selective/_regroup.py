"""From distances of tasks, and the groups that they are in, to the groups that go on."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ramify.grouping import Condition, groups_by, medoids

Distances = NDArray[np.float64]
Groups = list[list[int]]


def grouped_anew(
    condition: Condition, distances: Distances, groups: Groups, *, divides: bool
) -> Groups:
    """The groups that a condition makes of the groups of now.

    Groups are as far apart as their tasks on average. A task whose distances are unknown stays
    with its group; a group of such tasks only is joined with none.

    Args:
        condition: From distances to groups.
        distances: Of the tasks; NaN where unknown.
        groups: Of now.
        divides: Whether groups may be divided too.
    """
    if divides:
        return groups_by(condition, _with_mates(distances, groups))
    joined = groups_by(condition, _between(distances, groups))
    return sorted(sorted(t for g in several for t in groups[g]) for several in joined)


def keepers_of(distances: Distances, groups: Groups, names: Sequence[str]) -> list[int]:
    """The most central task of each group.

    Args:
        distances: Of the tasks; NaN where unknown.
        groups: The groups.
        names: Of the tasks; of equally central ones the first name counts, so that the order of
            the tasks does not matter.
    """
    return medoids(distances, [sorted(group, key=lambda t: names[t]) for group in groups])


def _between(distances: Distances, groups: Groups) -> Distances:
    """Mean distances of the tasks of each two groups; 0 within a group that has a known task."""
    blocks = [[distances[np.ix_(one, two)] for two in groups] for one in groups]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a mean over nothing, which is NaN
        means: Distances = np.array([[np.nanmean(block) for block in row] for row in blocks])
    np.fill_diagonal(means, np.where(np.isnan(means.diagonal()), np.nan, 0.0))
    return means


def _with_mates(distances: Distances, groups: Groups) -> Distances:
    """Unknown tasks take the place of a known task of their group."""
    stands_for = np.arange(len(distances))
    for group in groups:
        known = [t for t in group if not np.isnan(distances[t, t])]
        if known:
            stands_for[[t for t in group if t not in known]] = known[0]
    return distances[np.ix_(stands_for, stands_for)]
