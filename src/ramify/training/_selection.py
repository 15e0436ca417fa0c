"""Which of several trained networks to keep, by what they say about the validation rows."""

from collections.abc import Sequence

import numpy as np

from ramify.metrics import spread_over_rows
from ramify.tasks import TaskSet
from ramify.training._evaluation import Predictions


def choose_network(
    candidates: Sequence[Predictions],
    sizes: Sequence[int],
    clarity: Sequence[float],
    tasks: TaskSet,
) -> int:
    """The smallest network if it is as good as the best; else the clearest of the good ones.

    A network is good if its mean validation skill is within one standard error of the best one's.
    The standard error is that of the paired difference over the validation rows, or over whole
    groups of them. So dividing a network has to pay; and where it does, the evidence for the groups decides
    between trees whose scores cannot be told apart.

    Args:
        candidates: Predictions of every network on the same rows.
        sizes: Parameters of every network.
        clarity: How clearly the evidence shows every network's groups.
        tasks: The tasks.

    Returns:
        The index of the network to keep.

    References:
        Breiman, Friedman, Olshen, Stone. *Classification and Regression Trees*, 1984, 3.4.3, for
        the one-standard-error rule.
    """
    scored = [each.scored(tasks) for each in candidates]
    means = np.array([each.skills().mean().value for each in scored])
    best = int(np.nan_to_num(means, nan=-np.inf).argmax())
    gains = [scored[best].gains(each).mean() for each in scored]
    gap = np.array([each.value for each in gains])
    influence = np.nan_to_num(np.stack([each.influence for each in gains], axis=1))
    error = np.sqrt(spread_over_rows(influence, candidates[0].groups).variance)
    is_good = np.nan_to_num(gap, nan=np.inf) <= error
    is_good[best] = True
    good: list[int] = np.flatnonzero(is_good).tolist()
    smallest = min(range(len(sizes)), key=lambda i: sizes[i])
    return smallest if smallest in good else max(good, key=lambda i: (clarity[i], -sizes[i]))
