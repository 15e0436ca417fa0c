"""A score of each task over its labels, and their mean."""

from collections.abc import Callable

import numpy as np

from ramify._core import ShapeError
from ramify.linear.inputs import is_missing

Score = Callable[..., float]


def mean_over_tasks(
    score: Score, labels: np.ndarray, predicted: np.ndarray, sample_weight: object
) -> float:
    """The score of each column over its labelled rows, averaged.

    Args:
        score: Takes true labels, predictions, and ``sample_weight``.
        labels: ``(row,)`` or ``(row, task)``; missing labels count nowhere.
        predicted: Like ``labels``.
        sample_weight: ``(row,)`` or None.

    Raises:
        ShapeError: If labels and predictions differ in shape.
    """
    if labels.shape != predicted.shape:
        raise ShapeError(
            f"`y` must have the shape of the predictions, {predicted.shape}. Got {labels.shape}; "
            "stacked rows need `task`"
        )
    weights = None if sample_weight is None else np.asarray(sample_weight)
    n_rows = len(labels)
    true, guessed = labels.reshape(n_rows, -1), predicted.reshape(n_rows, -1)
    scores = []
    for t in range(true.shape[1]):
        rows = ~is_missing(true[:, t])
        own = None if weights is None else weights[rows]
        # Columns with None or NaN are of type object or float; what is left has the type to compare.
        kept = true[rows, t].astype(guessed.dtype)
        if rows.any():
            scores.append(score(kept, guessed[rows, t], sample_weight=own))
    return float(np.mean(scores))
