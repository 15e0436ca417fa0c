"""Separation cost, and the path of trees by trying one α after the other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ramify.grouping import Option, StageCost, choose_grouping

Array = NDArray[np.float64]
Partition = tuple[tuple[int, ...], ...]


def separation_cost(affinity: Array, groups: Sequence[Sequence[int]]) -> float:
    costs = []
    for group in groups:
        nearest = [min(affinity[k, m] for m in group) for k in group]
        costs.append(1 - sum(nearest) / len(nearest))
    return float(sum(costs) / len(costs))


class Widening:
    """Widening by one α: stage after stage, from the output, until one stays whole.

    The proposals of a stage do not depend on α, so they are kept.
    """

    def __init__(self, affinity: Array) -> None:
        self.affinity = affinity
        self._options: dict[tuple[Partition, int | None], tuple[Option, ...]] = {}

    def partitions(self, costs: Sequence[StageCost], alpha: float) -> list[Partition]:
        branches: Partition = tuple((i,) for i in range(len(self.affinity)))
        found: list[Partition] = []
        for cost in reversed(costs):
            if not found or len(branches) > 1:
                branches = self._widened(branches, cost, alpha)
            found.insert(0, branches)
        return found

    def _widened(self, branches: Partition, cost: StageCost, alpha: float) -> Partition:
        key = (branches, cost.max_groups)
        if key not in self._options:
            self._options[key] = choose_grouping(
                self.affinity, branches, alpha=1.0, max_groups=cost.max_groups
            ).options
        best: tuple[float, Partition] | None = None
        for option in self._options[key]:
            total = (len(option.groups) - 1) * cost.unit + alpha * option.separation
            if best is None or total < best[0]:
                best = total, option.groups
        assert best is not None
        return tuple(
            sorted(tuple(sorted(t for b in group for t in branches[b])) for group in best[1])
        )
