"""Scores pair by pair and row by row."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def roc_auc(scores: Array, targets: Array, weights: Array) -> float:
    """Share of (positive, negative) pairs in which the positive one is above; ties half."""
    won, pairs = 0.0, 0.0
    for i in range(len(scores)):
        for j in range(len(scores)):
            if targets[i] == 1 and targets[j] == 0:
                weight = weights[i] * weights[j]
                pairs += weight
                won += weight * (1.0 if scores[i] > scores[j] else 0.5 * (scores[i] == scores[j]))
    return won / pairs if pairs else float("nan")


def delta_m(ours: Sequence[float], theirs: Sequence[float], higher: Sequence[bool]) -> float:
    gains = []
    for a, b, up in zip(ours, theirs, higher, strict=True):
        if a == a and b == b:  # noqa: PLR0124  # NaN is not itself
            gains.append(100 * (1 if up else -1) * (a - b) / b)
    return sum(gains) / len(gains)
