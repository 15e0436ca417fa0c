"""Losses and margins label by label."""

from itertools import pairwise
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Ranking, Regression, TaskSet

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def sample_loss(kind: Kind, outputs: Array, target: float) -> float:
    if isinstance(kind, Binary):
        probability = 1 / (1 + exp(-outputs[0]))
        return -(target * log(probability) + (1 - target) * log(1 - probability))
    if isinstance(kind, Multiclass):
        return -log(_softmax(outputs)[int(target)])
    if isinstance(kind, Ordinal):
        return -log(level_probabilities(outputs)[int(target)])
    assert isinstance(kind, Regression)
    error = float(outputs[0]) - (target - kind.location) / kind.scale
    return error**2 / 2


def sample_margin(kind: Kind, outputs: Array, target: float) -> float:
    if isinstance(kind, Binary):
        return abs(float(target >= 0.5) - 1 / (1 + exp(-outputs[0])))
    if isinstance(kind, Multiclass):
        return 1 - _softmax(outputs)[int(target)]
    if isinstance(kind, Ordinal):
        return 1 - level_probabilities(outputs)[int(target)]
    assert isinstance(kind, Regression)
    return abs(float(outputs[0]) - (target - kind.location) / kind.scale)


def prediction(kind: Kind, outputs: Array) -> list[float]:
    if isinstance(kind, Binary):
        return [1 / (1 + exp(-outputs[0]))]
    if isinstance(kind, Multiclass):
        return _softmax(outputs)
    if isinstance(kind, Ordinal):
        probabilities = level_probabilities(outputs)
        return [sum(probabilities[k:]) for k in range(1, len(probabilities))]
    if isinstance(kind, Ranking):
        return [float(outputs[0])]
    assert isinstance(kind, Regression)
    return [float(outputs[0]) * kind.scale + kind.location]


def masked_losses(
    outputs: Array,
    targets: Array,
    mask: Mask,
    tasks: TaskSet,
    positive_weights: Array | None = None,
    groups: Array | None = None,
) -> list[float]:
    """Weighted mean over each task's own labels, or its pairs of them; 0 without any."""
    result = []
    for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
        total, weights = 0.0, 0.0
        if isinstance(task.kind, Ranking):
            result.append(pair_loss(outputs[:, first], targets[:, t], mask[:, t], groups))
            continue
        for row in range(len(outputs)):
            if not mask[row, t]:
                continue
            own = outputs[row, first : first + task.kind.n_outputs]
            weight = 1.0
            if positive_weights is not None and targets[row, t] >= 0.5:
                weight = float(positive_weights[t])
            total += weight * sample_loss(task.kind, own, float(targets[row, t]))
            weights += weight
        result.append(total / weights if weights else 0.0)
    return result


def pair_loss(scores: Array, targets: Array, mask: Mask, groups: Array | None) -> float:
    """Mean logistic loss of the pairs of one group of which one ought to come first."""
    losses = [
        log(1 + exp(-(scores[i] - scores[j])))
        for i in range(len(scores))
        for j in range(len(scores))
        if mask[i] and mask[j] and targets[i] > targets[j]
        if groups is None or groups[i] == groups[j]
    ]
    return sum(losses) / len(losses) if losses else 0.0


def level_probabilities(outputs: Array) -> list[float]:
    """Differences of the probabilities of reaching each level."""
    logits = [float(outputs[0])]
    for value in outputs[1:]:
        logits.append(logits[-1] - log(1 + exp(20 * value)))
    reaching = [1.0, *(1 / (1 + exp(-each)) for each in logits), 0.0]
    return [a - b for a, b in pairwise(reaching)]


def _softmax(outputs: Array) -> list[float]:
    powers = [exp(value) for value in outputs]
    return [power / sum(powers) for power in powers]
