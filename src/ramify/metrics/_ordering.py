"""How well rows were put in order within their groups."""

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from scipy.stats import kendalltau

from ramify._core import InputError
from ramify.metrics._estimate import Estimate, absent, blockwise, mean_estimate
from ramify.tasks import NDCG_PLACES

Array = NDArray[np.float64]
_PERFECT = 1e-9  # what rounding leaves of the best order


def ndcg(
    scores: Float[np.ndarray, " unit"],
    targets: Float[np.ndarray, " unit"],
    groups: Int64[np.ndarray, " unit"],
) -> Estimate:
    r"""Mean over groups of the discounted gain of the first places, against the best order.

    .. math:: \mathrm{DCG} = \sum_{p=1}^{K} \frac{y_{(p)}}{\log_2(1 + p)}

    with the label :math:`y_{(p)}` of the unit at place *p*, *K* = `NDCG_PLACES`, divided by that of
    the units in the order of their labels. Units with equal scores share their places. A group
    without two different labels has no value. The influence of a group stands at its first unit;
    of a lone group, blocks of units are left out in turn.

    Args:
        scores: Higher comes first.
        targets: How relevant each unit is, 0 or more.
        groups: Number of each unit's group.

    Returns:
        In [0, 1]; absent if no group has a value.

    References:
        Järvelin, Kekäläinen. *Cumulated gain-based evaluation of IR techniques*, 2002, with the
        label itself as gain.

    Example:
        >>> score = ndcg(np.array([3.0, 2, 1]), np.array([0.0, 1, 2]), np.zeros(3, np.int64))
        >>> round(score.value, 3)
        0.62
    """
    names, first, place = np.unique(groups, return_index=True, return_inverse=True)
    if len(names) == 1:
        return blockwise(
            lambda kept: float(group_ndcg(scores[kept], targets[kept], place[kept])[0]), len(scores)
        )
    gains = group_ndcg(scores, targets, place)
    known = ~np.isnan(gains)
    if not known.any():
        return absent(len(scores))
    found = mean_estimate(gains[known])
    influence = np.zeros(len(scores))
    influence[first[known]] = found.influence
    n = int(known.sum())
    if 1 - found.value > _PERFECT:
        return Estimate(found.value, influence)
    # All groups in their best order: their spread, none, says nothing; as a share of groups it does.
    inner = (n + 1) / (n + 2)
    return Estimate(1.0, np.zeros(len(scores)), inner * (1 - inner) / n, inner)


def group_ndcg(scores: Array, targets: Array, groups: NDArray[np.int64]) -> Array:
    """The gain of each group, see `ndcg`; NaN for a group without two different labels.

    Args:
        scores: Higher comes first.
        targets: How relevant each row is, 0 or more.
        groups: Number of each row's group, 0 to the number of groups.

    Raises:
        InputError: If a label is below 0: gains could cancel.
    """
    if (targets < 0).any():
        raise InputError(
            f"labels of a ranking must be 0 or more, from not relevant up. Got {targets.min():g}; "
            "shift them"
        )
    best = _gains(targets, targets, groups)
    value = np.full(len(best), np.nan)
    differ = _spread(targets, groups) > 0
    np.divide(_gains(scores, targets, groups), best, out=value, where=differ & (best > 0))
    return value


def group_kendall_tau(scores: Array, targets: Array, groups: NDArray[np.int64]) -> Array:
    """Kendall's τ-b of each group; NaN for a group without two different labels.

    Equal scores of all rows are no order at all: 0.
    """
    differ = _spread(targets, groups) > 0
    found = np.full(len(differ), np.nan)
    for group, rows in enumerate(_members(groups)):
        if differ[group]:
            tau = kendalltau(scores[rows], targets[rows]).statistic
            found[group] = 0.0 if np.isnan(tau) else tau
    return found


def group_reciprocal_rank(scores: Array, targets: Array, groups: NDArray[np.int64]) -> Array:
    """One over the place of the first row with the group's highest label.

    A less relevant row with the same score comes before it. NaN for a group without two different
    labels.
    """
    found = np.full(int(groups.max(initial=-1)) + 1, np.nan)
    for group, rows in enumerate(_members(groups)):
        top = targets[rows] == targets[rows].max()
        if not top.all():
            ahead = scores[rows][~top] >= scores[rows][top].max()
            found[group] = 1 / (1 + ahead.sum())
    return found


def mean_over_groups(values: Array) -> float:
    """Mean of the groups that have a value; NaN if none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _gains(scores: Array, targets: Array, groups: NDArray[np.int64]) -> Array:
    """Discounted gain of each group; rows with equal scores share the discounts of their places."""
    order = np.lexsort((-scores, groups))
    group, score, gain = groups[order], scores[order], targets[order]
    start = np.searchsorted(group, np.arange(int(groups.max(initial=-1)) + 1))
    place = np.arange(len(group)) - start[group]
    discount = np.where(place < NDCG_PLACES, 1 / np.log2(place + 2), 0.0)
    is_new = np.ones(len(score), dtype=bool)
    is_new[1:] = (np.diff(score) != 0) | (np.diff(group) != 0)
    tie = np.cumsum(is_new) - 1
    shared = np.bincount(tie, discount) / np.bincount(tie)
    total: Array = np.bincount(group, gain * shared[tie], minlength=len(start)).astype(np.float64)
    return total


def _spread(targets: Array, groups: NDArray[np.int64]) -> Array:
    n_groups = int(groups.max(initial=-1)) + 1
    low, high = np.full(n_groups, np.inf), np.full(n_groups, -np.inf)
    np.minimum.at(low, groups, targets)
    np.maximum.at(high, groups, targets)
    return np.where(np.isfinite(low), high - low, 0.0)


def _members(groups: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    n_groups = int(groups.max(initial=-1)) + 1
    if n_groups == 0:
        return []
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.searchsorted(groups[order], np.arange(1, n_groups)))
