"""Affinities sample by sample and pair by pair."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Batches = Iterable[tuple[Array, Mask]]


class PairCounts:
    """For every pair of tasks, weighted numbers of samples by (i difficult, j difficult)."""

    def __init__(self, n_tasks: int, decay: float) -> None:
        self.decay, self.n_tasks = decay, n_tasks
        self.margin_sum = [0.0] * n_tasks
        self.margin_number = [0.0] * n_tasks
        self.cells = np.zeros((n_tasks, n_tasks, 2, 2))

    def update(self, margins: Array, mask: Mask) -> None:
        thresholds = [
            total / number if number > 0 else 0.0
            for total, number in zip(self.margin_sum, self.margin_number, strict=True)
        ]
        self.cells *= self.decay
        self.margin_sum = [self.decay * s for s in self.margin_sum]
        self.margin_number = [self.decay * n for n in self.margin_number]
        for sample in range(len(margins)):
            for i in range(self.n_tasks):
                if not mask[sample, i]:
                    continue
                self.margin_sum[i] += margins[sample, i]
                self.margin_number[i] += 1
                hard_i = int(margins[sample, i] >= thresholds[i])
                for j in range(self.n_tasks):
                    if mask[sample, j]:
                        hard_j = int(margins[sample, j] >= thresholds[j])
                        self.cells[i, j, hard_i, hard_j] += 1


def counted_pairs(batches: Batches, n_tasks: int, decay: float) -> PairCounts:
    counts = PairCounts(n_tasks, decay)
    for margins, mask in batches:
        counts.update(margins, mask)
    return counts


def margin_affinity(batches: Batches, n_tasks: int, decay: float) -> Array:
    """P(e_i = e_j) over the samples with both labels."""
    cells = counted_pairs(batches, n_tasks, decay).cells
    result = np.full((n_tasks, n_tasks), np.nan)
    for i in range(n_tasks):
        for j in range(n_tasks):
            total = cells[i, j].sum()
            if total > 0:
                result[i, j] = (cells[i, j, 0, 0] + cells[i, j, 1, 1]) / total
    return result


def corrected_affinity(batches: Batches, n_tasks: int, decay: float) -> Array:
    """(1 + Cohen's kappa) / 2, not below 0; 1/2 where chance alone gives full agreement."""
    cells = counted_pairs(batches, n_tasks, decay).cells
    result = np.full((n_tasks, n_tasks), np.nan)
    for i in range(n_tasks):
        for j in range(n_tasks):
            total = cells[i, j].sum()
            if total == 0:
                continue
            table = cells[i, j] / total
            agreement = table[0, 0] + table[1, 1]
            rate_i, rate_j = table[1].sum(), table[:, 1].sum()
            chance = rate_i * rate_j + (1 - rate_i) * (1 - rate_j)
            kappa = (agreement - chance) / (1 - chance) if chance < 1 - 1e-9 else 0.0
            result[i, j] = 1.0 if i == j else max(0.0, (1 + kappa) / 2)
    return result


def branch_affinity(affinity: Array, groups: Sequence[Sequence[int]]) -> Array:
    """mean over i of min over j, both ways, averaged."""
    n = len(groups)
    directed = np.zeros((n, n))
    for k in range(n):
        for m in range(n):
            nearest = [min(affinity[i, j] for j in groups[m]) for i in groups[k]]
            directed[k, m] = sum(nearest) / len(nearest)
    result = np.zeros((n, n))
    for k in range(n):
        for m in range(n):
            result[k, m] = (directed[k, m] + directed[m, k]) / 2
    return result
