"""From predictions to the scores and differences of a record, with intervals over rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ramify.metrics import (
    Interval,
    Spread,
    TaskScores,
    absence_note,
    delta_m,
    holm,
    intervals,
    score_intervals,
    spread_over_rows,
    spread_over_trainings,
    sum_of_spreads,
)
from ramify.records import Difference, TaskScore
from ramify.tasks import Binary, Task, TaskSet
from ramify.training import Predictions

_FEWEST_LABELS = (
    5  # of each class; with fewer, false claims exceed their share (benchmarks/coverage.py)
)


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of one network on one side of the split.

    Attributes:
        tasks: The tasks.
        predictions: What was scored.
        scores: Of each task, with what each row adds to its error.
        left_out: The same without each of the networks that answer together; none of a lone one.
    """

    tasks: TaskSet
    predictions: Predictions
    scores: TaskScores
    left_out: Sequence[TaskScores] = ()

    def table(self) -> list[TaskScore]:
        """A line per task for the record."""
        found = score_intervals(self.scores, self.predictions.groups)
        return [self._line(t, interval) for t, interval in enumerate(found)]

    def mean_skill(self) -> float:
        """Mean skill over the tasks with a score; NaN if there is none."""
        return self.scores.skills().mean().value

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


def scored(predictions: Predictions, tasks: TaskSet) -> Scored:
    """Score predictions.

    Args:
        predictions: Of one side of the split.
        tasks: The tasks.
    """
    left_out = [
        replace(predictions, values=values, left_out=()).scored(tasks)
        for values in predictions.left_out
    ]
    return Scored(tasks, predictions, predictions.scored(tasks), left_out)


def differences(ours: Scored, theirs: Scored) -> tuple[list[Difference], Difference]:
    """How much better one network is than another on the same rows; positive is better.

    Returns:
        Per task in the metric's own unit, and for the mean over tasks of the skills.
    """
    groups = ours.predictions.groups
    apart = ours.scores.minus(theirs.scores)
    gain = ours.scores.gains(theirs.scores).mean()
    trainings = _over_trainings(ours, theirs, lambda scores: scores.values)
    per_task = intervals(apart.values, spread_over_rows(apart.influence, groups), trainings)
    (mean,) = intervals(
        np.array([gain.value]),
        spread_over_rows(gain.influence[:, None], groups),
        _over_trainings(ours, theirs, lambda s: np.array([s.skills().mean().value])),
    )
    if trainings is None:  # then the networks differ, of the ways of sharing nothing can be said
        return [_difference(t.name, i) for t, i in _by_task(ours, per_task)], _difference("", mean)
    tested = [i.p if _has_enough(ours, t) else np.nan for t, i in enumerate(per_task)]
    clear = holm(np.array(tested))
    lines = [
        _difference(task.name, interval, bool(is_clear))
        for (task, interval), is_clear in zip(_by_task(ours, per_task), clear, strict=True)
    ]
    return lines, _difference("", mean, bool(holm(np.array([mean.p]))[0]))


def _by_task(scored: Scored, found: Sequence[Interval]) -> Iterator[tuple[Task, Interval]]:
    return zip(scored.tasks, found, strict=True)


def _over_trainings(
    ours: Scored, theirs: Scored, of: Callable[[TaskScores], NDArray[np.float64]]
) -> Spread | None:
    """What training both anew would change in a difference; None after a single training."""
    parts = [
        spread_over_trainings(np.stack([of(left) for left in each.left_out]))
        for each in (ours, theirs)
        if len(each.left_out) > 1
    ]
    return sum_of_spreads(*parts) if len(parts) == 2 else None


def _has_enough(scored: Scored, place: int) -> bool:
    """Whether there are enough labels of each class for the spread over rows to be known."""
    if not isinstance(scored.tasks[place].kind, Binary):
        return True
    predictions = scored.predictions
    labels = predictions.targets[predictions.label_mask[:, place], place] >= 0.5
    return bool(min(labels.sum(), (~labels).sum()) >= _FEWEST_LABELS)


def relative_gain(ours: Scored, theirs: Scored) -> float | None:
    """`delta_m` of one network over another in percent; None if it is not defined."""
    higher = [task.kind.metric.higher_is_better for task in ours.tasks]
    before = theirs.scores.values
    if (before[~np.isnan(before)] <= 0).any():
        return None
    return _known(delta_m(ours.scores.values, before, higher))


def _difference(name: str, interval: Interval, clear: bool | None = None) -> Difference:
    return Difference(
        task=name,
        value=_known(interval.value),
        low=_known(interval.low),
        high=_known(interval.high),
        clear=clear,
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
