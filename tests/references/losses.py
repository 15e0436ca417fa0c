"""Losses and margins label by label."""

from math import exp, log

import numpy as np
from numpy.typing import NDArray

from ramify.tasks import Binary, Kind, Multiclass, Regression, TaskSet

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def sample_loss(kind: Kind, outputs: Array, target: float) -> float:
    if isinstance(kind, Binary):
        probability = 1 / (1 + exp(-outputs[0]))
        return -(target * log(probability) + (1 - target) * log(1 - probability))
    if isinstance(kind, Multiclass):
        return -log(_softmax(outputs)[int(target)])
    assert isinstance(kind, Regression)
    error = float(outputs[0]) - (target - kind.location) / kind.scale
    return error**2 / 2


def sample_margin(kind: Kind, outputs: Array, target: float) -> float:
    if isinstance(kind, Binary):
        return abs(float(target >= 0.5) - 1 / (1 + exp(-outputs[0])))
    if isinstance(kind, Multiclass):
        return 1 - _softmax(outputs)[int(target)]
    assert isinstance(kind, Regression)
    return abs(float(outputs[0]) - (target - kind.location) / kind.scale)


def prediction(kind: Kind, outputs: Array) -> list[float]:
    if isinstance(kind, Binary):
        return [1 / (1 + exp(-outputs[0]))]
    if isinstance(kind, Multiclass):
        return _softmax(outputs)
    assert isinstance(kind, Regression)
    return [float(outputs[0]) * kind.scale + kind.location]


def masked_losses(
    outputs: Array,
    targets: Array,
    mask: Mask,
    tasks: TaskSet,
    positive_weights: Array | None = None,
) -> list[float]:
    """Weighted mean over each task's own labels; 0 without any."""
    result = []
    for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
        total, weights = 0.0, 0.0
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


def _softmax(outputs: Array) -> list[float]:
    powers = [exp(value) for value in outputs]
    return [power / sum(powers) for power in powers]
