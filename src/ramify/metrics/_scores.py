"""Per-task scores on held-out units, plain or under weights of their rows; absent is NaN."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray

from ramify.metrics._levels import weighted_kappa
from ramify.metrics._ordering import ndcg
from ramify.tasks import (
    ACCURACY,
    KAPPA,
    NDCG,
    RMSE,
    ROC_AUC,
    ROW,
    Metric,
    Ordinal,
    Ranking,
    Regression,
    Task,
    TaskSet,
)

Array = NDArray[np.float64]
Groups = NDArray[np.int64]
Score = Callable[[Array, Array, Array], Array]
GroupScore = Callable[[Array, Array, Array, Groups], Array]


def roc_auc(
    scores: Float[np.ndarray, " row"],
    targets: Float[np.ndarray, " row"],
    weights: Float[np.ndarray, "draw row"],
) -> Float[np.ndarray, " draw"]:
    """Chance that a positive row scores above a negative one, ties half; NaN without both.

    Args:
        scores: Higher means more likely positive.
        targets: 1 or 0.
        weights: How much each row counts, one line per draw.

    Example:
        >>> import numpy as np
        >>> float(roc_auc(np.array([0.1, 0.8, 0.4]), np.array([0.0, 1.0, 0.0]), np.ones((1, 3)))[0])
        1.0
    """
    order = np.argsort(scores, kind="stable")
    ranked, positive = scores[order], targets[order] >= 0.5
    ordered = weights[:, order]
    negative_weight = np.where(positive, 0.0, ordered)
    below = np.concatenate(
        [np.zeros((len(weights), 1)), np.cumsum(negative_weight, axis=1)], axis=1
    )
    first = np.searchsorted(ranked, ranked, side="left")
    last = np.searchsorted(ranked, ranked, side="right")
    beaten = (below[:, first] + below[:, last]) / 2
    positive_weight = np.where(positive, ordered, 0.0)
    pairs = positive_weight.sum(axis=1) * negative_weight.sum(axis=1)
    return _divide((positive_weight * beaten).sum(axis=1), pairs)


def accuracy(
    probabilities: Float[np.ndarray, "row class"],
    targets: Float[np.ndarray, " row"],
    weights: Float[np.ndarray, "draw row"],
) -> Float[np.ndarray, " draw"]:
    """Share of rows whose most likely class is the true one; NaN without a row."""
    hit = (probabilities.argmax(axis=1) == targets).astype(np.float64)
    return _divide(weights @ hit, weights.sum(axis=1))


def rmse(
    values: Float[np.ndarray, " row"],
    targets: Float[np.ndarray, " row"],
    weights: Float[np.ndarray, "draw row"],
) -> Float[np.ndarray, " draw"]:
    """Root mean squared error in the target's own unit; NaN without a row."""
    return np.sqrt(_divide(weights @ (values - targets) ** 2, weights.sum(axis=1)))


@dataclass(frozen=True)
class MeanScore:
    """A score that follows from a mean over units, so that sums by row are enough for all draws.

    Attributes:
        each: From predictions and targets to a number for each unit.
        finish: From the mean to the score.
    """

    each: Callable[[Array, Array], Array]
    finish: Callable[[Array], Array]

    def of_rows(self, values: Array, targets: Array, row_weights: Array, rows: Groups) -> Array:
        """The score where units are not the rows.

        Args:
            values: Of each unit.
            targets: Of each unit.
            row_weights: How much each row counts, one line per draw.
            rows: For each unit its row.
        """
        n_rows = row_weights.shape[1]
        sums = np.bincount(rows, self.each(values, targets), minlength=n_rows)
        numbers = np.bincount(rows, minlength=n_rows).astype(np.float64)
        return self.finish(_divide(row_weights @ sums, row_weights @ numbers))


SCORES: dict[Metric, Score] = {
    ROC_AUC: roc_auc,
    ACCURACY: accuracy,
    KAPPA: weighted_kappa,
    RMSE: rmse,
}
GROUP_SCORES: dict[Metric, GroupScore] = {NDCG: ndcg}
MEAN_SCORES: dict[Metric, MeanScore] = {
    ACCURACY: MeanScore(lambda p, y: (p.argmax(axis=1) == y).astype(np.float64), lambda mean: mean),
    RMSE: MeanScore(lambda value, y: (value - y) ** 2, np.sqrt),
}
"""Those of `SCORES` that follow from a mean, in a form that is fast for many units per row."""

_OF_ALL_COLUMNS = (ACCURACY, KAPPA)
_MOST_WEIGHTS = 1 << 24


def task_scores(
    predictions: Float[np.ndarray, "unit column"],
    targets: Float[np.ndarray, "unit task"],
    label_mask: Bool[np.ndarray, "unit task"],
    tasks: TaskSet,
    row_weights: Float[np.ndarray, "draw row"] | None = None,
    groups: Int64[np.ndarray, " row"] | None = None,
    *,
    rows: Int64[np.ndarray, " unit"] | None = None,
) -> Float[np.ndarray, "draw task"]:
    """Every task's own score over its own labelled units, for each draw of row weights.

    Args:
        predictions: Probabilities, or values in the target's own unit.
        targets: Class places or values; anything where there is no label.
        label_mask: True where there is a label.
        tasks: The tasks.
        row_weights: How much each row counts, with all its units, one line per draw; by default one
            line of ones.
        groups: Number of each row's group, for tasks that put the rows of a group in order; by
            default all rows are one.
        rows: For each unit the number of its row; by default the units are the rows. Of positions
            only those of one row are put in order.

    Returns:
        In the metric's own unit; NaN where a score is absent: no labels, or of one class only.
    """
    n_rows = len(targets) if rows is None else int(rows.max(initial=-1)) + 1
    weights = np.ones((1, n_rows)) if row_weights is None else row_weights
    members = np.zeros(weights.shape[1], dtype=np.int64) if groups is None else groups
    result = np.full((len(weights), len(tasks)), np.nan)
    for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
        units = np.flatnonzero(label_mask[:, t])
        if len(units) == 0:
            continue
        columns = predictions[units, first : first + task.kind.n_outputs].astype(np.float64)
        metric, own = task.kind.metric, targets[units, t].astype(np.float64)
        values = columns if metric in _OF_ALL_COLUMNS else columns[:, 0]
        if rows is not None:
            result[:, t] = _of_units(task, values, own, weights, rows[units], members)
        elif metric in GROUP_SCORES:
            result[:, t] = GROUP_SCORES[metric](values, own, weights[:, units], members[units])
        else:
            result[:, t] = SCORES[metric](values, own, weights[:, units])
    return result


def _of_units(
    task: Task, values: Array, own: Array, weights: Array, rows: Groups, members: Groups
) -> Array:
    """A task's score where units are not the rows: a row is drawn with all its units."""
    metric = task.kind.metric
    if metric in MEAN_SCORES:
        return MEAN_SCORES[metric].of_rows(values, own, weights, rows)
    found = []
    size = max(1, _MOST_WEIGHTS // len(rows))  # all draws at once would not fit into memory
    for start in range(0, len(weights), size):
        drawn = weights[start : start + size][:, rows]
        if metric in GROUP_SCORES:
            together = members[rows] if task.unit == ROW else rows
            found.append(GROUP_SCORES[metric](values, own, drawn, together))
        else:
            found.append(SCORES[metric](values, own, drawn))
    return np.concatenate(found)


def skills(
    scores: Float[np.ndarray, "draw task"], tasks: TaskSet
) -> Float[np.ndarray, "draw task"]:
    """Scores on one footing, higher is better, 1 is perfect, so that tasks can be averaged.

    ROC-AUC, accuracy, kappa and NDCG stay; an error becomes R² = 1 − (RMSE / scale)², with the scale of the
    training labels. Auxiliary tasks have none: how well they are done is nobody's aim.
    """
    return np.stack([_skill(scores[:, t], task) for t, task in enumerate(tasks)], axis=1)


def mean_skill(
    scores: Float[np.ndarray, "draw task"], tasks: TaskSet
) -> Float[np.ndarray, " draw"]:
    """Mean skill over the tasks that have a score; NaN if none has."""
    every = skills(scores, tasks)
    present = ~np.isnan(every)
    return _divide(np.where(present, every, 0.0).sum(axis=1), present.sum(axis=1).astype(float))


def absence_note(
    task: Task,
    targets: Float[np.ndarray, " row"],
    groups: Int64[np.ndarray, " row"] | None = None,
) -> str:
    """Why a score over these labels is absent; empty if it is not.

    Args:
        task: The task.
        targets: Its labels.
        groups: Number of the group of each labelled row; by default all are one.
    """
    if len(targets) == 0:
        return "no labels on these rows"
    if task.kind.metric == ROC_AUC and len(np.unique(targets)) < 2:
        return "labels of one class only on these rows"
    if isinstance(task.kind, Ordinal) and len(np.unique(targets)) < 2:
        return "labels of one level only on these rows"
    if isinstance(task.kind, Ranking) and not _differ(targets, groups):
        return "no group with two different labels on these rows"
    return ""


def _differ(targets: NDArray[np.floating], groups: Groups | None) -> bool:
    members = np.zeros(len(targets), dtype=np.int64) if groups is None else groups
    both = np.unique(np.stack([members, targets]), axis=1)
    return bool(both.shape[1] > len(np.unique(members)))


def _skill(scores: Array, task: Task) -> Array:
    if not task.is_main:
        return np.full_like(scores, np.nan)
    if isinstance(task.kind, Regression):
        skill: Array = 1 - (scores / task.kind.scale) ** 2
        return skill
    return scores


def _divide(numerator: Array, denominator: Array) -> Array:
    """The quotient, NaN where the denominator is 0."""
    quotient = np.full_like(numerator, np.nan, dtype=np.float64)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
