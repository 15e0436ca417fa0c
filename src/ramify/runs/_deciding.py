"""Classes in place of probabilities, and intervals around numbers, both from the validation rows."""

from collections.abc import Callable, Sequence
from math import ceil, inf
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify._core import InputError, check_number, quoted
from ramify.records import Decision, RunRecord
from ramify.runs._model import Model
from ramify.runs._output_columns import names_of_outputs
from ramify.tasks import Binary, Multiclass, Ordinal, Regression, Task, TaskSet
from ramify.training import Predictions

_MOST_ERRORS: Final = 500


def decisions_from(predictions: Predictions, tasks: TaskSet) -> list[Decision]:
    """What the validation rows tell of where to decide, and how far off numbers are.

    A binary task is decided at the threshold of the largest balanced accuracy, halfway between two
    probabilities; a number's interval is as wide as its absolute errors (split conformal prediction).

    Args:
        predictions: Of the validation rows.
        tasks: The tasks.

    References:
        Lei et al. *Distribution-free predictive inference for regression*, JASA 2018.
    """
    found = []
    for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
        known = predictions.label_mask[:, t]
        values, labels = predictions.values[known, first], predictions.targets[known, t]
        if isinstance(task.kind, Binary):
            found.append(Decision(task=task.name, threshold=_threshold(values, labels)))
        elif isinstance(task.kind, Regression):
            errors = np.sort(np.abs(values.astype(np.float64) - labels))
            if len(errors) > _MOST_ERRORS:  # the largest of each so many: never too narrow
                errors = errors[np.linspace(0, len(errors) - 1, _MOST_ERRORS).round().astype(int)]
            found.append(Decision(task=task.name, errors=errors.tolist()))
    return found


def _threshold(values: NDArray[np.floating], labels: NDArray[np.float64]) -> float:
    """The probability from which on a row is positive."""
    positive = labels >= 0.5
    if positive.all() or not positive.any():
        return 0.5
    order = np.argsort(values, kind="stable")
    sorted_values, sorted_positive = values[order].astype(np.float64), positive[order]
    # What is above a cut is positive: true positives and false ones for each cut.
    hits = positive.sum() - np.cumsum(sorted_positive)
    false = (~positive).sum() - np.cumsum(~sorted_positive)
    gain = hits / positive.sum() - false / (~positive).sum()
    gain[:-1][sorted_values[1:] == sorted_values[:-1]] = -inf  # no cut between equal values
    best = int(gain[:-1].argmax()) if len(gain) > 1 else 0
    return float((sorted_values[best] + sorted_values[min(best + 1, len(values) - 1)]) / 2)


def deciding(
    model: Model, record: RunRecord, *, decide: bool, interval: float | None
) -> Callable[[pl.DataFrame], pl.DataFrame] | None:
    """What makes decisions and intervals of predictions; None if neither is asked for.

    Args:
        model: The model.
        record: Of its run.
        decide: Whether classes are wanted.
        interval: The level of intervals; None for none.

    Raises:
        InputError: If there is nothing to make intervals from.
    """
    if not decide and interval is None:
        return None
    tasks, known = model.tasks, record.decisions

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        if interval is not None:
            frame = with_intervals(frame, tasks, known, interval)
        return decided(frame, tasks, known) if decide else frame

    if interval is not None:
        widths(tasks, known, interval)
    return change


def decided(frame: pl.DataFrame, tasks: TaskSet, decisions: Sequence[Decision]) -> pl.DataFrame:
    """Predictions with the class of each task in place of probabilities.

    Args:
        frame: The predictions.
        tasks: The tasks.
        decisions: What `decisions_from` gave; without one a binary task is decided at one half.
    """
    cuts = {each.task: each.threshold for each in decisions}
    outputs = names_of_outputs(tasks)
    starts = {names[0]: (task, names) for task, names in zip(tasks, outputs, strict=True)}
    rest = {name for names in outputs for name in names[1:]}
    parts = []
    for name in frame.columns:
        if name in starts:
            task, names = starts[name]
            parts.append(_class_of(task, frame.select(names), cuts.get(task.name)))
        elif name not in rest:
            parts.append(frame.select(name))
    return pl.concat(parts, how="horizontal")


def _class_of(task: Task, own: pl.DataFrame, cut: float | None) -> pl.DataFrame:
    kind = task.kind
    if isinstance(kind, Binary):
        positive = own.to_series() >= (0.5 if cut is None else cut)
        places = positive.cast(pl.Int64).to_numpy()
    elif isinstance(kind, Multiclass):
        places = own.to_numpy().argmax(axis=1)
    elif isinstance(kind, Ordinal):
        return own.select(task.name)
    else:
        return own
    return pl.DataFrame({task.name: np.array(kind.labels)[places].tolist()}, {task.name: pl.String})


def with_intervals(
    frame: pl.DataFrame, tasks: TaskSet, decisions: Sequence[Decision], level: float
) -> pl.DataFrame:
    """Predictions with the ends of an interval after each number.

    Rows like the validation rows lie within theirs in a share of ``level`` or more.

    Args:
        frame: The predictions.
        tasks: The tasks.
        decisions: What `decisions_from` gave.
        level: Share of rows that are to lie within, between 0 and 1.

    Raises:
        InputError: If no task is a number, or a task has too few validation labels for the level.
    """
    found = widths(tasks, decisions, level)
    parts = []
    for name in frame.columns:
        parts.append(frame.select(name))
        if name in found:
            value, width = frame[name], found[name]
            ends = {f"{name} low": value - width, f"{name} high": value + width}
            parts.append(pl.DataFrame(ends))
    return pl.concat(parts, how="horizontal")


def widths(tasks: TaskSet, decisions: Sequence[Decision], level: float) -> dict[str, float]:
    """For each task of numbers, half the width of its intervals.

    Args:
        tasks: The tasks.
        decisions: What `decisions_from` gave.
        level: Share of rows that are to lie within, between 0 and 1.

    Raises:
        InputError: If no task is a number, or a task has too few validation labels for the level.
    """
    check_number("interval", level)
    errors = {each.task: each.errors for each in decisions}
    numbers = [task.name for task in tasks if isinstance(task.kind, Regression)]
    if not numbers:
        raise InputError("is for tasks of numbers. This model has none", argument="interval")
    return {name: _width(name, errors.get(name, []), level) for name in numbers}


def _width(name: str, errors: Sequence[float], level: float) -> float:
    place = ceil((len(errors) + 1) * level - 1e-9)  # .9 of 10 is 9, whatever floats say
    if place > len(errors) or not errors:
        raise InputError(
            f"of {level:g} needs {ceil(level / (1 - level) - 1e-9) if level < 1 else 'more'} validation "
            f"labels of {quoted(name)}",
            argument="interval",
            got=f"{len(errors):,}",
            remedy="ask for less",
        )
    return errors[place - 1]
