"""What the training labels say about each task: mean and spread, or how frequent each class is."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from ramify.data.tables._read import LabelMask, Targets
from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Regression, TaskSet


def standardised(
    tasks: TaskSet, targets: Targets, label_mask: LabelMask, rows: Int64[np.ndarray, " chosen"]
) -> TaskSet:
    """Give each task the statistics of its training labels.

    A regression task gets their mean and standard deviation, a classification or ordinal task
    the share of each class or level, with half a label more of each so that no share is 0. Each
    is told whether its labels vary.

    Args:
        tasks: The tasks.
        targets: What `read_targets` gives.
        label_mask: True where a label was observed.
        rows: The training rows; no other row is looked at.
    """
    chosen, observed = targets[rows], label_mask[rows]
    labels = [chosen[observed[:, t], t] for t in range(len(tasks))]
    return TaskSet(
        [
            replace(task, kind=_with_statistics(task.kind, own), varies=_vary(own))
            for task, own in zip(tasks, labels, strict=True)
        ]
    )


def _with_statistics(kind: Kind, labels: NDArray[np.float32]) -> Kind:
    if len(labels) == 0:
        return kind
    if isinstance(kind, Regression):
        return _regression(labels.astype(np.float64))
    if isinstance(kind, Binary):
        return replace(kind, rate=_shares(labels, 2)[1])
    if isinstance(kind, Ordinal):
        return replace(kind, rates=_shares(labels, len(kind.levels)))
    return (
        replace(kind, rates=_shares(labels, kind.n_outputs))
        if isinstance(kind, Multiclass)
        else kind
    )


def _vary(labels: NDArray[np.float32]) -> bool:
    return len(labels) == 0 or bool(np.ptp(labels) > 0)


def _regression(labels: NDArray[np.float64]) -> Regression:
    mean, spread = float(labels.mean()), float(labels.std())
    # Equal labels have no spread to divide by, whatever rounding leaves of it.
    return Regression(mean, spread if spread > 1e-7 * abs(mean) else 1.0)


def _shares(labels: NDArray[np.float32], n_classes: int) -> tuple[float, ...]:
    counts = np.bincount(labels.astype(np.int64), minlength=n_classes) + 0.5
    shares: list[float] = (counts / counts.sum()).tolist()
    return tuple(shares)
