"""Which of several trained networks to keep, by what they say about the validation rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ramify.metrics import mean_skill
from ramify.tasks import TaskSet
from ramify.training._evaluation import Predictions

_N_DRAWS = 200


def choose_network(
    candidates: Sequence[Predictions],
    sizes: Sequence[int],
    clarity: Sequence[float],
    tasks: TaskSet,
    seed: int,
) -> int:
    """The smallest network if it is as good as the best; else the clearest of the good ones.

    A network is good if its mean validation skill is within one standard error of the best one's.
    The standard error is that of the paired difference, over bootstrap draws of the validation
    rows. So dividing a network has to pay; and where it does, the evidence for the groups decides
    between trees whose scores cannot be told apart.

    Args:
        candidates: Predictions of every network on the same rows.
        sizes: Parameters of every network.
        clarity: How clearly the evidence shows every network's groups.
        tasks: The tasks.
        seed: Of the draws.

    Returns:
        The index of the network to keep.

    References:
        Breiman, Friedman, Olshen, Stone. *Classification and Regression Trees*, 1984, 3.4.3, for
        the one-standard-error rule.
    """
    n_rows = candidates[0].n_rows
    weights = np.vstack([np.ones(n_rows), candidates[0].draws(_N_DRAWS, seed)])
    draws = np.stack([_mean_skills(c, tasks, weights) for c in candidates])  # (candidate, draw)
    skill = np.nan_to_num(draws[:, 0], nan=-np.inf)
    best = int(skill.argmax())
    gap = draws[best] - draws
    error = np.array([_spread(row[1:]) for row in gap])
    is_good = np.nan_to_num(gap[:, 0], nan=np.inf) <= error
    is_good[best] = True
    good: list[int] = np.flatnonzero(is_good).tolist()
    smallest = min(range(len(sizes)), key=lambda i: sizes[i])
    return smallest if smallest in good else max(good, key=lambda i: (clarity[i], -sizes[i]))


def _mean_skills(
    predictions: Predictions, tasks: TaskSet, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = mean_skill(predictions.drawn_scores(tasks, weights), tasks)
    return mean


def _spread(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.std()) if len(known) > 1 else 0.0
