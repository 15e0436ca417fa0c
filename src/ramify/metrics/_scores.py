"""Per-task scores on held-out units, with what each row adds to their error; absent is NaN."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray

from ramify.metrics._estimate import Estimate, absent, mean_estimate
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
Score = Callable[[Array, Array], Estimate]
GroupScore = Callable[[Array, Array, Groups], Estimate]


def roc_auc(scores: Float[np.ndarray, " unit"], targets: Float[np.ndarray, " unit"]) -> Estimate:
    """Chance that a positive scores above a negative, ties half; absent without both.

    The influence of a unit is how its placement among the other class differs from the mean of its
    own class.

    Args:
        scores: Higher means more likely positive.
        targets: 1 or 0.

    References:
        DeLong, DeLong, Clarke-Pearson. *Comparing the areas under two or more correlated receiver
        operating characteristic curves*, Biometrics 1988; Hanley, McNeil. *The meaning and use of
        the area under a ROC curve*, Radiology 1982, for the variance by a model.

    Example:
        >>> import numpy as np
        >>> roc_auc(np.array([0.1, 0.8, 0.4, 0.3]), np.array([0.0, 1, 0, 1])).value
        0.75
    """
    positive = targets >= 0.5
    n_positive = int(positive.sum())
    n_negative = len(targets) - n_positive
    if not n_positive or not n_negative:
        return absent(len(targets))
    order = np.argsort(scores, kind="stable")
    is_positive = positive[order]
    start, end = _runs(scores[order])
    below = np.concatenate([[0], np.cumsum(is_positive)])
    positives_below = (below[start] + below[end]) / 2
    negatives_below = (start + end) / 2 - positives_below
    placement = np.empty(len(scores))
    placement[order] = np.where(
        is_positive, negatives_below / n_negative, 1 - positives_below / n_positive
    )
    value = float(placement[positive].mean())
    # Unbiased in each class; with one unit of a class nothing is known of its spread.
    share = [1 / np.sqrt(n * (n - 1)) if n > 1 else np.nan for n in (n_negative, n_positive)]
    influence = (placement - value) * np.where(positive, share[1], share[0])
    pairs = n_positive * n_negative
    inner = (value * pairs + 1) / (pairs + 2)
    return Estimate(value, influence, _area_variance(inner, n_positive, n_negative), inner)


def _area_variance(area: float, n_positive: int, n_negative: int) -> float:
    """Variance of an area under the curve if the scores of both classes were exponential."""
    twice_positive, twice_negative = area / (2 - area), 2 * area**2 / (1 + area)
    return (
        area * (1 - area)
        + (n_positive - 1) * (twice_positive - area**2)
        + (n_negative - 1) * (twice_negative - area**2)
    ) / (n_positive * n_negative)


def accuracy(
    probabilities: Float[np.ndarray, "unit class"], targets: Float[np.ndarray, " unit"]
) -> Estimate:
    """Share of units whose most likely class is the true one; absent without a unit."""
    found = mean_estimate((probabilities.argmax(axis=1) == targets).astype(np.float64))
    n = len(targets)
    if n == 0:
        return found
    inner = (found.value * n + 1) / (n + 2)
    return found._replace(model_variance=inner * (1 - inner) / n, inner_value=inner)


def rmse(values: Float[np.ndarray, " unit"], targets: Float[np.ndarray, " unit"]) -> Estimate:
    """Root mean squared error in the target's own unit; absent without a unit."""
    squared = mean_estimate((values - targets) ** 2)
    value = float(np.sqrt(squared.value))
    slope = 2 * value if value > 0 else np.inf  # of the square; without an error nothing moves it
    return Estimate(value, squared.influence / slope)


SCORES: dict[Metric, Score] = {
    ROC_AUC: roc_auc,
    ACCURACY: accuracy,
    KAPPA: weighted_kappa,
    RMSE: rmse,
}
GROUP_SCORES: dict[Metric, GroupScore] = {NDCG: ndcg}
_OF_ALL_COLUMNS = (ACCURACY, KAPPA)


@dataclass(frozen=True, eq=False)
class TaskScores:
    """The scores of all tasks on the same rows.

    Attributes:
        tasks: The tasks.
        values: In the metric's own unit, or skills; NaN where absent.
        influence: What each row adds to the error of each; 0 where it has no label, NaN in the
            whole column where that cannot be said.
        model_variances: See `Estimate`.
        inner_values: See `Estimate`.
    """

    tasks: TaskSet
    values: Float[np.ndarray, " task"]
    influence: Float[np.ndarray, "row task"]
    model_variances: Float[np.ndarray, " task"]
    inner_values: Float[np.ndarray, " task"]

    def skills(self) -> "TaskScores":
        """The same on one footing, higher is better, 1 is perfect, so that tasks can be averaged.

        ROC-AUC, accuracy, kappa and NDCG stay; an error becomes R² = 1 − (RMSE / scale)², with the
        scale of the training labels.
        """
        slopes = [_slope(t, v) for t, v in zip(self.tasks, self.values, strict=True)]
        values = skills(self.values[None], self.tasks)[0]
        influence = self.influence * np.array(slopes, dtype=self.influence.dtype)
        return replace(self, values=values, influence=influence)

    def minus(self, other: "TaskScores") -> "TaskScores":
        """How much better these are than others of the same rows; a metric of errors is turned."""
        signs = np.array([1.0 if t.kind.metric.higher_is_better else -1.0 for t in self.tasks])
        return self._less(other, signs)

    def gains(self, other: "TaskScores") -> "TaskScores":
        """The difference of skills on the same rows; positive is better."""
        return self.skills()._less(other.skills(), np.ones(len(self.values)))

    def mean(self) -> Estimate:
        """The mean over the tasks that have a value."""
        known = ~np.isnan(self.values)
        if not known.any():
            return absent(len(self.influence))
        influence = self.influence[:, known].mean(axis=1, dtype=np.float64)
        return Estimate(float(self.values[known].mean()), influence)

    def _less(self, other: "TaskScores", signs: Array) -> "TaskScores":
        influence = (self.influence - other.influence) * signs.astype(self.influence.dtype)
        values = signs * (self.values - other.values)
        return replace(self, values=values, influence=influence)


def task_scores(
    predictions: Float[np.ndarray, "unit column"],
    targets: Float[np.ndarray, "unit task"],
    label_mask: Bool[np.ndarray, "unit task"],
    tasks: TaskSet,
    groups: Int64[np.ndarray, " row"] | None = None,
    *,
    rows: Int64[np.ndarray, " unit"] | None = None,
    n_rows: int | None = None,
) -> TaskScores:
    """Every task's own score over its own labelled units.

    Args:
        predictions: Probabilities, or values in the target's own unit.
        targets: Class places or values; anything where there is no label.
        label_mask: True where there is a label.
        tasks: The tasks.
        groups: Number of each row's group, for tasks that put the rows of a group in order; by
            default all rows are one.
        rows: For each unit the number of its row; by default the units are the rows. Of positions
            only those of one row are put in order.
        n_rows: Number of rows, where some may have no unit.

    Returns:
        In the metric's own unit; NaN where a score is absent: no labels, or of one class only, or a
        task whose training labels are all the same, of which nothing could be learned.
    """
    row_of = np.arange(len(targets)) if rows is None else rows
    n_rows = len(targets) if rows is None else max(n_rows or 0, int(rows.max(initial=-1)) + 1)
    members = np.zeros(n_rows, dtype=np.int64) if groups is None else groups
    values, variances, inner = np.full((3, len(tasks)), np.nan)
    influence = np.zeros((n_rows, len(tasks)), dtype=np.float32)
    for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
        units = np.flatnonzero(label_mask[:, t])
        columns = predictions[units, first : first + task.kind.n_outputs].astype(np.float64)
        own, of_row = targets[units, t].astype(np.float64), row_of[units]
        together = members[of_row] if task.unit == ROW else of_row
        known = task.varies and len(units)
        found = _score(task, columns, own, together) if known else absent(len(units))
        values[t], variances[t], inner[t] = found.value, found.model_variance, found.inner_value
        influence[:, t] = np.bincount(of_row, found.influence, minlength=n_rows)
        if np.isnan(found.influence).any() or not len(units):
            influence[:, t] = np.nan
    return TaskScores(tasks, values, influence, variances, inner)


def _score(task: Task, columns: Array, targets: Array, groups: Groups) -> Estimate:
    metric = task.kind.metric
    values = columns if metric in _OF_ALL_COLUMNS else columns[:, 0]
    if metric in GROUP_SCORES:
        return GROUP_SCORES[metric](values, targets, groups)
    return SCORES[metric](values, targets)


def skills(
    scores: Float[np.ndarray, "draw task"], tasks: TaskSet
) -> Float[np.ndarray, "draw task"]:
    """Scores on one footing, see `TaskScores.skills`.

    Auxiliary tasks have none: how well they are done is nobody's aim.
    """
    return np.stack([_skill(scores[:, t], task) for t, task in enumerate(tasks)], axis=1)


def mean_skill(
    scores: Float[np.ndarray, "draw task"], tasks: TaskSet
) -> Float[np.ndarray, " draw"]:
    """Mean skill over the tasks that have a score; NaN if none has."""
    every = skills(scores, tasks)
    present = ~np.isnan(every)
    sums, numbers = np.where(present, every, 0.0).sum(axis=1), present.sum(axis=1)
    means = np.full(len(sums), np.nan)
    np.divide(sums, numbers, out=means, where=numbers > 0)
    return means


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
    if not task.varies:
        return "all its training labels are the same"
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


def _slope(task: Task, score: float) -> float:
    """How fast a task's skill changes with its score."""
    if isinstance(task.kind, Regression):
        return -2 * score / task.kind.scale**2
    return 1.0


def _runs(ranked: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each place of a sorted array, where its run of equal values begins and ends."""
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(ranked)]]))
    return np.repeat(starts, lengths), np.repeat(starts + lengths, lengths)
