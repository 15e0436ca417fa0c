"""Labels as columns of numbers: what members are judged by, whatever kind a task is."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from ramify.tasks import Multiclass, Ordinal, Ranking, Regression, TaskSet

Floats = NDArray[np.float64]
_NEAR_END: Final = 1e-3


def label_columns(
    targets: Float[np.ndarray, "row task"], label_mask: Bool[np.ndarray, "row task"], tasks: TaskSet
) -> Float[np.ndarray, "row column"]:
    """Labels in the columns of predictions, NaN where there is none.

    A number is as it is, in its own unit; yes or no is 1 or 0; one of several classes has a 1 in its
    own column; a level has a 1 in the column of each level up to it but the lowest.

    Args:
        targets: Class places or values.
        label_mask: True where there is a label.
        tasks: The tasks.

    Example:
        >>> from ramify.tasks import Ordinal, Task
        >>> tasks = TaskSet([Task("pain", Ordinal(("low", "mid", "high")))])
        >>> label_columns(np.array([[0.0], [1.0], [2.0]]), np.ones((3, 1), bool), tasks).tolist()
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    """
    columns = []
    for t, task in enumerate(tasks):
        known = label_mask[:, t]
        label = np.where(known, targets[:, t], np.nan).astype(np.float64)
        if isinstance(task.kind, Regression | Ranking):
            found = label[:, None]
        elif isinstance(task.kind, Multiclass):
            found = (label[:, None] == np.arange(task.kind.n_outputs)).astype(np.float64)
        elif isinstance(task.kind, Ordinal):
            found = (label[:, None] > np.arange(task.kind.n_outputs)).astype(np.float64)
        else:
            found = (label[:, None] >= 0.5).astype(np.float64)
        columns.append(np.where(known[:, None], found, np.nan))
    return np.concatenate(columns, axis=1)


def as_probabilities(
    columns: Float[np.ndarray, "row column"], tasks: TaskSet
) -> Float[np.ndarray, "row column"]:
    r"""Columns of numbers as probabilities where their task has any; numbers stay as they are.

    Between .001 and .999 a number is taken at its word. Beyond, :math:`p` becomes
    :math:`.001^2 / (.002 - p)`, and likewise at the other end, so that regressions of 0 and 1, which
    leave that range, keep the order of their rows. Classes are then made to add up to 1, levels to
    fall.

    Args:
        columns: What was predicted of `label_columns`, by whatever means.
        tasks: The tasks.
    """
    found = columns.copy()
    for task, first in zip(tasks, tasks.first_columns, strict=True):
        if isinstance(task.kind, Regression | Ranking):
            continue
        own = _inside(columns[:, first : first + task.kind.n_outputs])
        if isinstance(task.kind, Multiclass):
            own /= own.sum(axis=1, keepdims=True)
        elif isinstance(task.kind, Ordinal):
            own = np.minimum.accumulate(own, axis=1)
        found[:, first : first + own.shape[1]] = own
    return found


def _inside(values: Floats) -> Floats:
    """Between 0 and 1, in the same order."""
    low = _NEAR_END**2 / (2 * _NEAR_END - np.minimum(values, _NEAR_END))
    high = 1 - _NEAR_END**2 / (2 * _NEAR_END - 1 + np.maximum(values, 1 - _NEAR_END))
    inner = np.where(values < _NEAR_END, low, values)
    return np.where(values > 1 - _NEAR_END, high, inner)
