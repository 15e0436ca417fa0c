"""Scores of many attributes of one picture at once, as papers on attributes report them."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from ramify._core import InputError, ShapeError

Array = NDArray[np.float64]


def mean_accuracy(
    probabilities: Float[np.ndarray, "row task"],
    targets: Float[np.ndarray, "row task"],
    label_mask: Bool[np.ndarray, "row task"],
) -> float:
    """Share of labels on the right side of one half, per task, then the mean over tasks.

    Args:
        probabilities: Of the positive class, in [0, 1].
        targets: 1 or 0; anything where there is no label.
        label_mask: True where there is a label.

    Returns:
        In [0, 1], over the tasks that have a label; NaN if none has.

    Raises:
        ShapeError: If the three differ in shape.

    References:
        Lu et al., CVPR 2017, section 4.1 (mean attribute accuracy).

    Example:
        >>> import numpy as np
        >>> p, y = np.array([[0.9, 0.2], [0.4, 0.1]]), np.array([[1.0, 1.0], [1.0, 0.0]])
        >>> mean_accuracy(p, y, np.ones((2, 2), dtype=bool))
        0.5
    """
    _check(probabilities, targets, label_mask)
    hit = ((probabilities >= 0.5) == (targets >= 0.5)) & label_mask
    return _mean(_share(hit.sum(axis=0), label_mask.sum(axis=0)))


def mean_balanced_accuracy(
    probabilities: Float[np.ndarray, "row task"],
    targets: Float[np.ndarray, "row task"],
    label_mask: Bool[np.ndarray, "row task"],
) -> float:
    """Mean of the shares of positives and of negatives that are found, then over tasks.

    Args:
        probabilities: As for `mean_accuracy`.
        targets: As for `mean_accuracy`.
        label_mask: As for `mean_accuracy`.

    Returns:
        In [0, 1], over the tasks that have labels of both classes; NaN if none has.

    Raises:
        ShapeError: If the three differ in shape.

    Example:
        >>> import numpy as np
        >>> p, y = np.array([[0.9], [0.2], [0.8], [0.3]]), np.array([[1.0], [1.0], [0.0], [0.0]])
        >>> mean_balanced_accuracy(p, y, np.ones((4, 1), dtype=bool))
        0.5
    """
    _check(probabilities, targets, label_mask)
    predicted, positive = probabilities >= 0.5, (targets >= 0.5) & label_mask
    negative = label_mask & ~positive
    found = _share((predicted & positive).sum(axis=0), positive.sum(axis=0))
    spared = _share((~predicted & negative).sum(axis=0), negative.sum(axis=0))
    return _mean((found + spared) / 2)


def top_recall(
    probabilities: Float[np.ndarray, "row task"],
    targets: Float[np.ndarray, "row task"],
    label_mask: Bool[np.ndarray, "row task"],
    k: int = 10,
) -> float:
    """Share of a task's positives for which it is among the row's k highest tasks; task mean.

    Of tasks that score alike the first ones come first.

    Args:
        probabilities: As for `mean_accuracy`; every task is ranked, labelled or not.
        targets: As for `mean_accuracy`.
        label_mask: As for `mean_accuracy`.
        k: How many tasks of a row count as named.

    Returns:
        In [0, 1], over the tasks that have a positive; NaN if none has.

    Raises:
        ShapeError: If the three differ in shape.
        InputError: If k is below 1.

    References:
        Lu et al., CVPR 2017, section 4.1 (top-10 recall), after their code.

    Example:
        >>> import numpy as np
        >>> p, y = np.array([[0.9, 0.8, 0.1]]), np.array([[1.0, 0.0, 1.0]])
        >>> top_recall(p, y, np.ones((1, 3), dtype=bool), k=2)
        0.5
    """
    _check(probabilities, targets, label_mask)
    named = _highest(probabilities, k)
    positive = (targets >= 0.5) & label_mask
    return _mean(_share((named & positive).sum(axis=0), positive.sum(axis=0)))


def top_accuracy(
    probabilities: Float[np.ndarray, "row class"], classes: Int[np.ndarray, " row"], k: int = 3
) -> float:
    """Share of rows whose true class is among the k with the highest probability.

    Args:
        probabilities: Of each class; they need not sum to one, so one-vs-rest scores do as well.
        classes: The true class of each row.
        k: How many classes count as named.

    Returns:
        In [0, 1]; NaN without a row.

    Raises:
        InputError: If k is below 1, or a class is out of range.

    Example:
        >>> import numpy as np
        >>> top_accuracy(np.array([[0.1, 0.5, 0.4], [0.8, 0.1, 0.1]]), np.array([2, 1]), k=2)
        1.0
    """
    if len(classes) != len(probabilities):
        raise ShapeError(
            "`classes` must have one entry per row of `probabilities`. "
            f"Got {len(classes)} for {len(probabilities)}"
        )
    if len(classes) == 0:
        return float("nan")
    n_classes = probabilities.shape[1]
    if classes.min() < 0 or classes.max() >= n_classes:
        raise InputError(
            f"`classes` must be from 0 to {n_classes - 1}. Got {classes.min()} to {classes.max()}"
        )
    return float(_highest(probabilities, k)[np.arange(len(classes)), classes].mean())


def _highest(scores: Array, k: int) -> NDArray[np.bool_]:
    """True for the k highest of each row."""
    if k < 1:
        raise InputError(f"`k` must be 1 or more. Got {k}")
    named = np.zeros(scores.shape, dtype=bool)
    first = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.put_along_axis(named, first, True, axis=1)
    return named


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Array:
    """The quotient, NaN where there is nothing to divide by."""
    quotient = np.full(len(whole), np.nan)
    np.divide(part, whole, out=quotient, where=whole > 0)
    return quotient


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _check(
    probabilities: NDArray[np.floating],
    targets: NDArray[np.floating],
    label_mask: NDArray[np.bool_],
) -> None:
    if not probabilities.shape == targets.shape == label_mask.shape or targets.ndim != 2:
        raise ShapeError(
            "`probabilities`, `targets` and `label_mask` must be (row, task). Got "
            f"{probabilities.shape}, {targets.shape} and {label_mask.shape}"
        )
