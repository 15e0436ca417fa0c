"""The best tree for every trade-off α, all from one affinity matrix."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from ramify._core import InputError, ShapeError, check_count, check_number, checked
from ramify.grouping._choice import (
    UNIT_COST,
    Groups,
    Option,
    grouping_options,
    options_of_known,
    separation_cost,
)
from ramify.grouping._evidence import LEAST_KNOWN, cleaned_affinity, known_share
from ramify.tasks import SharingTree


@checked
@dataclass(frozen=True)
class StageCost:
    """What one more branch of a stage costs, and how many there may be.

    Attributes:
        unit: L_0 · 2^p: positive, finite.
        max_groups: Cap of the stage's width; None for no cap but the usual one of 32.

    Raises:
        InputError: If a number is out of range.
    """

    unit: float = UNIT_COST
    max_groups: int | None = None

    def __post_init__(self) -> None:
        """Check what would otherwise fail far from here."""
        check_number("unit", self.unit, open_end=True)
        if self.max_groups is not None:
            check_count("max_groups", self.max_groups)


@dataclass(frozen=True)
class SharingStep:
    """One tree of a `SharingPath`.

    Attributes:
        alpha_low: The tree is the cheapest for α above this,
        alpha_high: up to and including this; infinite for the last step.
        tree: The tree.
        separation: Mean over stages of the separation cost of the tasks that share, in [0, 1].
    """

    alpha_low: float
    alpha_high: float
    tree: SharingTree
    separation: float


@dataclass(frozen=True)
class SharingPath:
    """The trees of a layer-wise, top-down widening for all α ≥ 0, from all shared to most apart.

    Attributes:
        steps: In order of α; the intervals touch, the first starts at 0, the last never ends.
        known: Share of the pairs of tasks whose affinity is known; below a quarter there is no
            evidence, and the one tree that shares everything.
    """

    steps: tuple[SharingStep, ...]
    known: float = 1.0

    @property
    def has_evidence(self) -> bool:
        """Whether enough pairs of tasks are known to divide by."""
        return self.known >= LEAST_KNOWN

    def at(self, alpha: float) -> SharingStep:
        """The step for one α.

        Raises:
            InputError: If α is negative or not finite.
        """
        check_number("alpha", alpha)
        return next(step for step in self.steps if alpha <= step.alpha_high)

    def within(self, budget: int, cost: Callable[[SharingTree], int]) -> SharingStep:
        """The step of greatest α whose tree costs at most ``budget``.

        Args:
            budget: Largest allowed cost, for example in parameters.
            cost: Cost of a tree.

        Raises:
            InputError: If no tree is that cheap.
        """
        affordable = [step for step in self.steps if cost(step.tree) <= budget]
        if not affordable:
            smallest = min(cost(step.tree) for step in self.steps)
            raise InputError(
                f"the budget must be at least {smallest:,}, the cost of the smallest tree",
                got=f"{budget:,}",
                remedy="raise it or use a narrower backbone",
            )
        return affordable[-1]


def sharing_path(
    affinity: Float[np.ndarray, "task task"],
    tasks: Sequence[str],
    stage_costs: Sequence[StageCost],
    *,
    seed: int = 0,
) -> SharingPath:
    """Every tree that top-down widening gives for some α, with the interval of α.

    At each stage, from the output down, the cost of a grouping is a straight line in α, so the
    cheapest groupings form a lower envelope; below each of its pieces the next stage is grouped
    likewise. Widening ends at the first stage that keeps a single group.

    Args:
        affinity: Of the tasks, in [0, 1]; NaN for a pair never seen, as for `grouping_options`.
        tasks: Their names.
        stage_costs: One per stage, from input to output.
        seed: Of the spectral proposals.

    Raises:
        ShapeError: If the affinity does not have one row and column per task.

    Example:
        >>> import numpy as np
        >>> a = np.full((4, 4), 0.5) + 0.4 * np.kron(np.eye(2), np.ones((2, 2))) + 0.1 * np.eye(4)
        >>> path = sharing_path(a, ["a", "b", "c", "d"], [StageCost()])
        >>> [step.tree.widths for step in path.steps]
        [(1,), (2,), (3,), (4,)]
    """
    if np.shape(affinity) != (len(tasks), len(tasks)):
        requirement = f"must be ({len(tasks)}, {len(tasks)}), one row per task"
        raise ShapeError(requirement, argument="affinity", got=str(np.shape(affinity)))
    known, matrix = known_share(affinity), cleaned_affinity(affinity)
    widening = _Widening(matrix, seed)
    single = tuple((i,) for i in range(len(tasks)))
    costs = tuple(stage_costs)
    if known < LEAST_KNOWN:
        costs = tuple(StageCost(cost.unit, 1) for cost in costs)
    steps: list[SharingStep] = []
    for low, high, partitions in widening.descend(single, costs, (0.0, inf)):
        tree = _tree(tasks, partitions)
        continues = bool(steps) and steps[-1].tree == tree
        start = steps.pop().alpha_low if continues else low
        steps.append(SharingStep(start, high, tree, widening.separation(partitions)))
    return SharingPath(tuple(steps), known)


def tree_of_widths(
    affinity: Float[np.ndarray, "task task"],
    tasks: Sequence[str],
    widths: Sequence[int],
    *,
    seed: int = 0,
) -> SharingTree:
    """The tree with given numbers of groups per stage, grouped top-down.

    Args:
        affinity: Of the tasks, in [0, 1].
        tasks: Their names.
        widths: Number of groups at each stage, from input to output; never falling.
        seed: Of the spectral proposals.
    """
    branches: Groups = tuple((i,) for i in range(len(tasks)))
    partitions: list[Groups] = []
    for width in reversed(widths):
        (option,) = grouping_options(
            affinity, branches, max_groups=width, min_groups=width, seed=seed
        )
        branches = _merged(branches, option.groups)
        partitions.insert(0, branches)
    return _tree(tasks, tuple(partitions))


class _Widening:
    """Groupings of branches and their separation, each found once."""

    def __init__(self, affinity: NDArray[np.float64], seed: int) -> None:
        self._affinity, self._seed = affinity, seed
        self._separations: dict[Groups, float] = {}

    def descend(
        self, branches: Groups, stage_costs: tuple[StageCost, ...], interval: tuple[float, float]
    ) -> Iterator[tuple[float, float, tuple[Groups, ...]]]:
        """For each piece of an interval of α: its ends and the partitions of the given stages."""
        if not stage_costs:
            yield (*interval, ())
            return
        below, here = stage_costs[:-1], stage_costs[-1]
        options = options_of_known(
            self._affinity, branches, here.max_groups, 1, self._seed, self_affinity=True
        )
        for low, high, option in _envelope(options, here.unit, interval):
            merged = _merged(branches, option.groups)
            if option.n_groups == 1:
                yield low, high, (merged,) * len(stage_costs)
                continue
            for start, end, partitions in self.descend(merged, below, (low, high)):
                yield start, end, (*partitions, merged)

    def separation(self, partitions: tuple[Groups, ...]) -> float:
        """Mean separation cost of the tasks that share, over stages."""
        for partition in set(partitions) - self._separations.keys():
            self._separations[partition] = separation_cost(self._affinity, partition)
        return float(np.mean([self._separations[partition] for partition in partitions]))


def _envelope(
    options: Sequence[Option], unit: float, interval: tuple[float, float]
) -> Iterator[tuple[float, float, Option]]:
    """The cheapest option on each piece of an interval of α."""
    low, end = interval
    current = min(options, key=lambda o: (o.cost(low, unit), o.separation, o.n_groups))
    while True:
        crossings = [
            ((o.n_groups - current.n_groups) * unit / (current.separation - o.separation), o)
            for o in options
            if o.separation < current.separation and o.n_groups > current.n_groups
        ]
        high, following = min(
            crossings, key=lambda c: (c[0], c[1].separation), default=(inf, current)
        )
        if high >= end or following is current:
            yield low, end, current
            return
        if high > low:
            yield low, high, current
        low, current = high, following


def _merged(branches: Groups, groups: Groups) -> Groups:
    return tuple(tuple(sorted(t for b in group for t in branches[b])) for group in groups)


def _tree(tasks: Sequence[str], partitions: tuple[Groups, ...]) -> SharingTree:
    stages = tuple(
        tuple(tuple(tasks[i] for i in group) for group in partition) for partition in partitions
    )
    return SharingTree(tuple(tasks), stages)
