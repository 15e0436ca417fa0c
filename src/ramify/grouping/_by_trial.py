"""Partitions and overlapping groups from networks that were really trained on groups of tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from ramify._core import InputError, ShapeError
from ramify.grouping._choice import Groups

Subset = tuple[int, ...]
MOST_EXACT = 10
"""Most tasks for which the best partition is found among all."""


@dataclass(frozen=True, eq=False)
class TrialScores:
    r"""How well networks on subsets of the tasks predict parts of some rows.

    The score of a task is the share of the loss explained, :math:`1 - L / L_0`, where :math:`L_0` is
    the loss of the labels' base rates: R² of regressions, McFadden's pseudo-R² of classes. It is 1 at
    best, 0 for what knows no more than the base rates, and below 0 for what knows less.

    Attributes:
        subsets: Places of the tasks of each network.
        losses: Mean loss ``(subset, task, part)``; NaN for tasks that a network does not have.
        start: Of the base rates ``(task, part)``.
        counts: Labels ``(task, part)``.

    References:
        McFadden. *Conditional logit analysis of qualitative choice behavior*, 1974.
    """

    subsets: tuple[Subset, ...]
    losses: Float[np.ndarray, "subset task part"]
    start: Float[np.ndarray, "task part"]
    counts: Float[np.ndarray, "task part"]

    def __post_init__(self) -> None:
        """Check the shapes."""
        wanted = (len(self.subsets), *self.start.shape)
        if self.losses.shape != wanted or self.counts.shape != self.start.shape:
            raise ShapeError("must be (subset, task, part)", argument="losses", got=str(wanted))

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.start)

    @property
    def n_parts(self) -> int:
        """Number of parts of the rows."""
        return int(self.start.shape[1])

    @cached_property
    def place(self) -> Mapping[Subset, int]:
        """Where each subset stands."""
        return {subset: i for i, subset in enumerate(self.subsets)}

    def explained(
        self, parts: Bool[np.ndarray, " part"] | None = None
    ) -> Float[np.ndarray, "subset task"]:
        """Score of each task in each network on some parts of the rows; NaN where there is none.

        The base rates' loss is always that of all parts: in a part with a label or two it may be
        next to nothing.

        Args:
            parts: Which parts; None for all.
        """
        chosen = np.ones(self.n_parts, dtype=bool) if parts is None else parts
        start = _mean(self.start, self.counts)
        losses = _mean(self.losses[:, :, chosen], self.counts[:, chosen])
        return np.asarray(1 - losses / np.where(start > 0, start, np.nan))

    def joined(self, other: "TrialScores") -> "TrialScores":
        """The same with further networks, judged on the same parts of the same rows.

        Args:
            other: What they lose.
        """
        losses = np.concatenate([self.losses, other.losses])
        return replace(self, subsets=self.subsets + other.subsets, losses=losses)


def _mean(means: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over parts of means over their labels; NaN without a label."""
    total = (np.where(counts > 0, means, 0.0) * counts).sum(axis=-1)
    count = counts.sum(axis=-1)
    return np.asarray(total / np.where(count > 0, count, np.nan))


def score_of(
    groups: Groups, place: Mapping[Subset, int], scores: Float[np.ndarray, "subset task"]
) -> float:
    """Mean score of the tasks when each group has a network; NaN if no task has a score.

    Args:
        groups: A partition of the tasks, all of whose groups were tried.
        place: Where each subset stands.
        scores: Of each task in each network.
    """
    found = np.concatenate([scores[place[group]][list(group)] for group in groups])
    known = found[~np.isnan(found)]
    return float(known.mean()) if len(known) else float("nan")


def best_partitions(
    subsets: Sequence[Subset], scores: Float[np.ndarray, "subset task"]
) -> dict[int, Groups]:
    """The best partition into each number of groups, of all that the subsets allow.

    Found by dynamic programming over sets of tasks: the first task of what is left is in some group.

    Args:
        subsets: Places of the tasks of each group that may be used; at most 10 tasks.
        scores: Of each task in each of them; tasks without a score do not count.

    Returns:
        By the number of groups, as far as there is such a partition.

    Raises:
        InputError: If there are more tasks.

    Example:
        >>> import numpy as np
        >>> scores = np.array([[0.1, np.nan], [np.nan, 0.1], [0.3, 0.2]])
        >>> best_partitions([(0,), (1,), (0, 1)], scores)
        {1: ((0, 1),), 2: ((0,), (1,))}
    """
    n_tasks = np.shape(scores)[1]
    if n_tasks > MOST_EXACT:
        raise InputError(f"there must be at most {MOST_EXACT} tasks. Got {n_tasks}")
    totals = np.nansum(scores, axis=1)
    by_first: list[list[tuple[int, float, Subset]]] = [[] for _ in range(n_tasks)]
    for subset, total in zip(subsets, totals, strict=True):
        by_first[subset[0]].append((sum(1 << t for t in subset), float(total), subset))
    # For each set of tasks that is covered: by number of groups, the best total and its groups.
    best: list[dict[int, tuple[float, Groups]]] = [{} for _ in range(1 << n_tasks)]
    best[0][0] = (0.0, ())
    for covered, here in enumerate(best[:-1]):
        first = next(t for t in range(n_tasks) if not covered >> t & 1)
        following = [each for each in by_first[first] if not each[0] & covered] if here else []
        for mask, total, subset in following:
            into = best[covered | mask]
            for n, (before, groups) in here.items():
                if n + 1 not in into or into[n + 1][0] < before + total:
                    into[n + 1] = (before + total, (*groups, subset))
    return {n: best[-1][n][1] for n in sorted(best[-1])}


def pair_gains(
    subsets: Sequence[Subset], scores: Float[np.ndarray, "subset task"]
) -> Float[np.ndarray, "task task"]:
    """What each task (row) gains by another one (column) beside it, over being alone.

    Args:
        subsets: Among them all single tasks.
        scores: Of each task in each of them.

    Returns:
        NaN where the pair was not tried, and 0 on the diagonal.
    """
    n_tasks = np.shape(scores)[1]
    alone = np.full(n_tasks, np.nan)
    found = np.full((n_tasks, n_tasks), np.nan)
    for subset, row in zip(subsets, scores, strict=True):
        if len(subset) == 1:
            alone[subset[0]] = row[subset[0]]
        elif len(subset) == 2:
            i, j = subset
            found[i, j], found[j, i] = row[i], row[j]
    found -= alone[:, None]
    np.fill_diagonal(found, 0.0)
    return found


def partitions_by_pairs(
    gains: Float[np.ndarray, "task task"], most_groups: int
) -> dict[int, Groups]:
    r"""Partitions of which pairs of tasks promise the most, for each number of groups.

    A task of group :math:`G` is taken to gain the mean of what the others bring it,
    :math:`\hat g_t(G) = \sum_{j \in G \setminus t} g_{tj} / (|G| - 1)` (the higher-order
    approximation). From single tasks on, the two groups whose union promises the most are merged; at
    each number of groups tasks then change groups as long as that promises more.

    Args:
        gains: As `pair_gains` gives them; an unknown one counts as the mean of the known.
        most_groups: Largest number of groups wanted.

    References:
        Standley, Zamir, Chen, Guibas, Malik, Savarese. *Which tasks should be learned together in
        multi-task learning?*, ICML 2020, who search by branch and bound.

    Example:
        >>> import numpy as np
        >>> gains = np.kron(np.eye(2), np.ones((2, 2))) - 0.5
        >>> partitions_by_pairs(gains, 2)
        {1: ((0, 1, 2, 3),), 2: ((0, 1), (2, 3))}
    """
    both = _known(gains)
    both = both + both.T
    np.fill_diagonal(both, 0.0)
    n_tasks = len(both)
    groups: list[Subset] = [(t,) for t in range(n_tasks)]
    found = {}
    while True:
        if len(groups) <= most_groups:
            found[len(groups)] = _improved(groups, both)
        if len(groups) == 1:
            return dict(sorted(found.items()))
        a, b = max(
            combinations(range(len(groups)), 2),
            key=lambda ab: (
                _promise((*groups[ab[0]], *groups[ab[1]]), both)
                - _promise(groups[ab[0]], both)
                - _promise(groups[ab[1]], both)
            ),
        )
        merged = (*groups[a], *groups[b])
        groups = [each for i, each in enumerate(groups) if i not in (a, b)] + [merged]


def _known(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(gains)
    off = known & ~np.eye(len(gains), dtype=bool)
    return np.where(known, gains, gains[off].mean() if off.any() else 0.0)


def _promise(group: Sequence[int], both: NDArray[np.float64]) -> float:
    """Sum of the gains of a group; ``both`` holds what two tasks bring each other."""
    if len(group) == 1:
        return 0.0
    chosen = list(group)
    return float(both[np.ix_(chosen, chosen)].sum()) / 2 / (len(group) - 1)


def _improved(groups: Sequence[Subset], both: NDArray[np.float64]) -> Groups:
    now = [list(group) for group in groups]
    worth = [_promise(group, both) for group in now]
    changed = True
    while changed:
        changed = False
        for t in range(len(both)):
            old = next(i for i, group in enumerate(now) if t in group)
            if len(now[old]) == 1:
                continue
            rest = [each for each in now[old] if each != t]
            left = _promise(rest, both)
            gains = [
                -np.inf if i == old else _promise([*group, t], both) - worth[i]
                for i, group in enumerate(now)
            ]
            new = int(np.argmax(gains)) if len(now) > 1 else old
            if new == old or gains[new] + left - worth[old] <= 1e-12:
                continue
            now[old], worth[old] = rest, left
            now[new] = [*now[new], t]
            worth[new] = _promise(now[new], both)
            changed = True
    return tuple(sorted(tuple(sorted(group)) for group in now))


def best_cover(
    subsets: Sequence[Subset], scores: Float[np.ndarray, "subset task"], budget: int
) -> tuple[int, ...]:
    """Networks of which every task takes the one that is best for it: overlapping groups.

    Chosen one by one, and then exchanged as long as that helps.

    Args:
        subsets: Places of the tasks of each network.
        scores: Of each task in each of them; tasks without any score do not count.
        budget: Most networks.

    Returns:
        Places of the networks, in order. They serve every task.

    Raises:
        InputError: If no so few networks serve all tasks.

    References:
        Standley et al., ICML 2020, see `partitions_by_pairs`.
    """
    scored = ~np.isnan(scores).all(axis=0)
    values = np.where(np.isnan(scores), -_FAR, scores)[:, scored]
    # Tasks without a score are to be served all the same.
    member = np.array([[t in subset for t in np.flatnonzero(~scored)] for subset in subsets])
    values = np.concatenate([values, np.where(member, 0.0, -_FAR)], axis=1)
    whole = int(np.argmax([len(subset) for subset in subsets]))
    best: tuple[float, list[int]] = (-np.inf, [])
    for start in ([], [whole]):
        chosen = list(start)
        while len(chosen) < budget:
            chosen.append(_next(values, chosen))
        chosen = _exchanged(values, chosen)
        total = float(values[chosen].max(axis=0).sum())
        if total > best[0]:
            best = (total, chosen)
    total, chosen = best
    if total < -_FAR / 2:
        raise InputError(f"no {budget} of the networks serve all tasks; allow more")
    used = set(values[chosen].argmax(axis=0).tolist())
    return tuple(sorted(chosen[i] for i in used))


_FAR = 1e6


def _next(values: NDArray[np.float64], chosen: Sequence[int]) -> int:
    floor = values[list(chosen)].max(axis=0) if chosen else np.full(values.shape[1], -_FAR)
    return int(np.maximum(values, floor).sum(axis=1).argmax())


def _exchanged(values: NDArray[np.float64], chosen: list[int]) -> list[int]:
    total = values[chosen].max(axis=0).sum()
    changed = True
    while changed:
        changed = False
        for i in range(len(chosen)):
            others = chosen[:i] + chosen[i + 1 :]
            new = _next(values, others)
            other_total = values[[*others, new]].max(axis=0).sum()
            if other_total > total + 1e-12:
                chosen, total, changed = [*others, new], other_total, True
    return chosen
