"""From predictions to the scores and differences of a record, with intervals over rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ramify.metrics import (
    Interval,
    absence_note,
    delta_m,
    intervals,
    skills,
)
from ramify.records import Difference, TaskScore
from ramify.tasks import TaskSet
from ramify.training import Predictions

_MOST_DRAWS, _FEWEST_DRAWS = 1000, 200
_DRAWN_SCORES = 40_000


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of one network on one side of the split.

    Attributes:
        tasks: The tasks.
        predictions: What was scored.
        values: Score per task; NaN where absent.
        draws: The same for bootstrap draws of the rows, ``(draw, task)``.
    """

    tasks: TaskSet
    predictions: Predictions
    values: NDArray[np.float64]
    draws: NDArray[np.float64]

    def table(self) -> list[TaskScore]:
        """A line per task for the record."""
        found = zip(self.tasks, intervals(self.values, self.draws), strict=True)
        return [self._line(t, interval) for t, (_, interval) in enumerate(found)]

    def mean_skill(self) -> float:
        """Mean skill over the tasks with a score; NaN if there is none."""
        known = skills(self.values[None], self.tasks)[0]
        known = known[~np.isnan(known)]
        return float(known.mean()) if len(known) else float("nan")

    def _line(self, place: int, interval: Interval) -> TaskScore:
        task = self.tasks[place]
        predictions = self.predictions
        observed = predictions.label_mask[:, place]
        groups = None if predictions.groups is None else predictions.groups[observed]
        return TaskScore(
            task=task.name,
            metric=task.kind.metric.name,
            value=_known(interval.value),
            n_labels=int(observed.sum()),
            low=_known(interval.low),
            high=_known(interval.high),
            note=absence_note(task, predictions.targets[observed, place], groups),
        )


def scored(predictions: Predictions, tasks: TaskSet, seed: int) -> Scored:
    """Score predictions, and again for bootstrap draws of the rows.

    The draws depend on the seed, the number of rows and their groups only, so those of two networks on the same
    rows are paired.

    Args:
        predictions: Of one side of the split.
        tasks: The tasks.
        seed: Of the draws.
    """
    n_draws = max(_FEWEST_DRAWS, min(_MOST_DRAWS, _DRAWN_SCORES // len(tasks)))
    draws = predictions.drawn_scores(tasks, predictions.draws(n_draws, seed))
    return Scored(tasks, predictions, predictions.scores(tasks), draws)


def differences(ours: Scored, theirs: Scored) -> tuple[list[Difference], Difference]:
    """How much better one network is than another on the same rows; positive is better.

    Returns:
        Per task in the metric's own unit, and for the mean over tasks of the skills.
    """
    tasks = ours.tasks
    signs = np.array([1.0 if task.kind.metric.higher_is_better else -1.0 for task in tasks])
    per_task = intervals(signs * (ours.values - theirs.values), signs * (ours.draws - theirs.draws))
    gain = skills(ours.values[None], tasks)[0] - skills(theirs.values[None], tasks)[0]
    gains = skills(ours.draws, tasks) - skills(theirs.draws, tasks)
    (mean,) = intervals(_row_means(gain[None]), _row_means(gains)[:, None])
    lines = [_difference(task.name, each) for task, each in zip(tasks, per_task, strict=True)]
    return lines, _difference("", mean)


def relative_gain(ours: Scored, theirs: Scored) -> float | None:
    """`delta_m` of one network over another in percent; None if it is not defined."""
    higher = [task.kind.metric.higher_is_better for task in ours.tasks]
    known = ~np.isnan(theirs.values)
    if (theirs.values[known] <= 0).any():
        return None
    return _known(delta_m(ours.values, theirs.values, higher))


def _row_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    means: NDArray[np.float64] = np.full(len(values), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _difference(name: str, interval: Interval) -> Difference:
    return Difference(
        task=name,
        value=_known(interval.value),
        low=_known(interval.low),
        high=_known(interval.high),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
