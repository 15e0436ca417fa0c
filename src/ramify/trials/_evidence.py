"""What the trained networks say: scores, gains and their intervals, on rows that did not choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import t as student

from ramify.grouping import (
    MOST_EXACT,
    TrialScores,
    best_partitions,
    score_of,
)

Groups = tuple[tuple[int, ...], ...]


class Difference(NamedTuple):
    """A mean, and its 95 % t-interval; NaN where nothing is known."""

    mean: float
    low: float
    high: float


def difference(values: Sequence[float] | NDArray[np.float64]) -> Difference:
    """Mean and interval of some values; without ends if there are fewer than two.

    Args:
        values: NaN where unknown.
    """
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if not len(known):
        return Difference(np.nan, np.nan, np.nan)
    mean = float(known.mean())
    if len(known) < 2:
        return Difference(mean, np.nan, np.nan)
    half = student.ppf(0.975, len(known) - 1) * known.std(ddof=1) / sqrt(len(known))
    return Difference(mean, mean - half, mean + half)


def fewest_groups(judged: Mapping[int, NDArray[np.float64]]) -> int:
    """The smallest number of groups whose score is within one standard error of the best.

    Args:
        judged: By number of groups, the score on each part of the rows; NaN where there is none.
    """
    means = {n: difference(values).mean for n, values in judged.items()}
    known = {n: mean for n, mean in means.items() if not np.isnan(mean)}
    best = max(known, key=known.__getitem__, default=min(means))
    for n in sorted(known):
        lost = judged[best] - judged[n]
        lost = lost[~np.isnan(lost)]
        error = lost.std(ddof=1) / sqrt(len(lost)) if len(lost) > 1 else 0.0
        if len(lost) and lost.mean() <= error:
            return n
    return best


@dataclass(frozen=True, eq=False)
class Evidence:
    """Scores of everything that was trained, and the partitions to choose from.

    Attributes:
        scores: Per seed.
        candidates: Partitions that were tried beside all that small numbers of tasks allow.
    """

    scores: tuple[TrialScores, ...]
    candidates: tuple[Groups, ...] = ()

    @property
    def mean(self) -> TrialScores:
        """The losses as means over seeds."""
        first = self.scores[0]
        losses = np.mean([each.losses for each in self.scores], axis=0)
        return TrialScores(first.subsets, losses, first.start, first.counts)

    def best(self, scores: Float[np.ndarray, "subset task"]) -> dict[int, Groups]:
        """The best partition into each number of groups, by some scores.

        Args:
            scores: Of each task in each network.
        """
        mean = self.scores[0]
        if mean.n_tasks <= MOST_EXACT:
            return best_partitions(mean.subsets, scores)
        found: dict[int, tuple[float, Groups]] = {}
        for groups in self.candidates:
            score = score_of(groups, mean.place, scores)
            if len(groups) not in found or found[len(groups)][0] < score:
                found[len(groups)] = (score, groups)
        return {n: found[n][1] for n in sorted(found)}

    def judged(self) -> dict[int, NDArray[np.float64]]:
        """For each number of groups, its score on each part of the rows; the other parts choose.

        The partition is chosen anew for each part, so that what chance added to a choice is not
        counted in its favour.
        """
        mean = self.mean
        found: dict[int, list[float]] = {}
        for part in range(mean.n_parts):
            here = np.arange(mean.n_parts) == part
            chosen = self.best(mean.explained(~here if mean.n_parts > 1 else here))
            own = mean.explained(here)
            for n, groups in chosen.items():
                found.setdefault(n, []).append(score_of(groups, mean.place, own))
        return {n: np.array(values) for n, values in found.items()}

    def task_gains(self, groups: Groups) -> list[Difference]:
        """What each task gains in its group over a network of its own, over seeds.

        Args:
            groups: A partition.
        """
        of = {t: group for group in groups for t in group}
        gains = np.array([_gains(each, of) for each in self.scores])
        return [difference(gains[:, t]) for t in range(self.scores[0].n_tasks)]


def _gains(scores: TrialScores, of: Mapping[int, tuple[int, ...]]) -> list[float]:
    found = scores.explained()
    return [
        float(found[scores.place[of[t]], t] - found[scores.place[(t,)], t])
        for t in range(scores.n_tasks)
    ]
