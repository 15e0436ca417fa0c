"""Weightings from their papers' formulas: in the space of gradients, by loops or by cone programs."""

from collections.abc import Sequence
from math import exp, log
from typing import Any

import cvxpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
cp: Any = cvxpy  # its annotations describe neither its operators nor its atoms


def shortest(gradients: Array) -> Array:
    """MGDA: the shortest vector of the gradients' convex hull."""
    shares = cp.Variable(len(gradients), nonneg=True)
    _solve(cp.Minimize(cp.sum_squares(gradients.T @ shares)), [cp.sum(shares) == 1])
    shortest_one: Array = gradients.T @ np.asarray(shares.value)
    return shortest_one


def conflict_averse(gradients: Array, radius: float) -> Array:
    """CAGrad's own problem: the largest worst improvement within a ball around the mean."""
    mean = gradients.mean(axis=0)
    direction, worst = cp.Variable(gradients.shape[1]), cp.Variable()
    reach = radius * float(np.linalg.norm(mean))
    inside = cp.norm(direction - mean, 2) <= reach
    _solve(cp.Maximize(worst), [inside, gradients @ direction >= worst])
    return np.asarray(direction.value, dtype=np.float64)


def unconflicting(gradients: Array) -> Array:
    """UPGrad: the mean of the gradients' projections onto the dual cone."""
    found = []
    for gradient in gradients:
        direction = cp.Variable(gradients.shape[1])
        _solve(cp.Minimize(cp.sum_squares(direction - gradient)), [gradients @ direction >= 0])
        found.append(direction.value)
    return _mean(found)


def aligned(gradients: Array) -> Array:
    """Aligned-MTL: all singular values become the smallest."""
    left, values, right = np.linalg.svd(gradients, full_matrices=False)
    real = values > 1e-3 * values[0]
    made: Array = values[real][-1] * left[:, real] @ right[real]
    return _mean(list(made))


def projected(gradients: Array, orders: Sequence[Sequence[int]]) -> Array:
    """PCGrad: project off what conflicts, in the given orders; the mean of what is left."""
    found = []
    for i, own in enumerate(gradients):
        kept = own.copy()
        for j in orders[i]:
            if j != i and kept @ gradients[j] < 0:
                kept = kept - (kept @ gradients[j]) / (gradients[j] @ gradients[j]) * gradients[j]
        found.append(kept)
    return _mean(found)


def vaccinated(
    gradients: Array, orders: Sequence[Sequence[int]], targets: Array, rate: float
) -> Array:
    """GradVac: turn towards the targets, in the given orders; renews the targets in place."""
    found = []
    for i, own in enumerate(gradients):
        kept = own.copy()
        for j in orders[i]:
            if j == i:
                continue
            other = gradients[j]
            length, reach = float(np.linalg.norm(kept)), float(np.linalg.norm(other))
            cosine = float(kept @ other) / length / reach
            aim = float(targets[i, j])
            if cosine < aim:
                kept = kept + other * (
                    length
                    * (aim * (1 - cosine**2) ** 0.5 - cosine * (1 - aim**2) ** 0.5)
                    / (reach * (1 - aim**2) ** 0.5)
                )
            targets[i, j] = (1 - rate) * aim + rate * cosine
        found.append(kept)
    return _mean(found)


def dual_balanced(gradients: Array, losses: Sequence[float]) -> Array:
    """DB-MTL without moving averages: log-losses' gradients, all as long as the longest."""
    logs = [gradient / loss for gradient, loss in zip(gradients, losses, strict=True)]
    longest = max(float(np.linalg.norm(each)) for each in logs)
    return _mean([longest * each / np.linalg.norm(each) for each in logs])


def weight_average(newer: Sequence[float], older: Sequence[float], temperature: float) -> Array:
    """DWA."""
    powers = [exp(a / b / temperature) for a, b in zip(newer, older, strict=True)]
    return np.array([len(powers) * power / sum(powers) for power in powers])


def famo_gradient(
    logits: Sequence[float], before: Sequence[float], after: Sequence[float]
) -> Array:
    """Gradient of the sum over tasks of softmax share × decrease of the log-loss."""
    powers = [exp(w) for w in logits]
    shares = [power / sum(powers) for power in powers]
    decrease = [log(a) - log(b) for a, b in zip(before, after, strict=True)]
    n = len(shares)
    return np.array(
        [
            sum(shares[j] * (float(i == j) - shares[i]) * decrease[j] for j in range(n))
            for i in range(n)
        ]
    )


def _mean(vectors: list[Array]) -> Array:
    total: Array = np.sum(vectors, axis=0)
    return total / len(vectors)


def _solve(aim: object, limits: list[object]) -> None:
    cp.Problem(aim, limits).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10
    )
