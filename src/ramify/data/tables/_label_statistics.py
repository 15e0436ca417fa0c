"""What the training labels say about each task: mean and spread, or how frequent each class is."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from ramify.data.tables._read import LabelMask, Targets
from ramify.data.tables._scaling import Spread, spread_of
from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Regression, TaskSet


def standardised(
    tasks: TaskSet, targets: Targets, label_mask: LabelMask, rows: Int64[np.ndarray, " chosen"]
) -> TaskSet:
    """Give each task the statistics of its training labels.

    A regression task gets their mean and standard deviation (1 where all are equal), a classification or ordinal task
    the share of each class or level, with half a label more of each so that no share is 0. Each
    is told whether its labels vary.

    Args:
        tasks: The tasks.
        targets: What `read_targets` gives.
        label_mask: True where a label was observed.
        rows: The training rows; no other row is looked at.
    """
    chosen, observed = targets[rows], label_mask[rows]
    spread = spread_of(np.where(observed, chosen, np.nan))
    return TaskSet(
        [
            replace(
                task,
                kind=_with_statistics(task.kind, chosen[observed[:, t], t], spread, t),
                varies=not observed[:, t].any() or bool(spread.scale[t] > 0),
            )
            for t, task in enumerate(tasks)
        ]
    )


def _with_statistics(kind: Kind, labels: NDArray[np.float64], spread: Spread, place: int) -> Kind:
    if len(labels) == 0:
        return kind
    if isinstance(kind, Regression):
        return Regression(float(spread.location[place]), float(spread.scale[place]) or 1.0)
    if isinstance(kind, Binary):
        return replace(kind, rate=_shares(labels, 2)[1])
    if isinstance(kind, Ordinal):
        return replace(kind, rates=_shares(labels, len(kind.levels)))
    if isinstance(kind, Multiclass):
        return replace(kind, rates=_shares(labels, kind.n_outputs))
    return kind


def _shares(labels: NDArray[np.float64], n_classes: int) -> tuple[float, ...]:
    counts = np.bincount(labels.astype(np.int64), minlength=n_classes) + 0.5
    shares: list[float] = (counts / counts.sum()).tolist()
    return tuple(shares)
