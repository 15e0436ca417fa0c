"""Scores of a model on labelled rows that it has not seen, and beside what it was compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from ramify._core import InputError, listed
from ramify.data import (
    ImageRows,
    Table,
    one_vs_rest,
    read_groups,
    read_targets,
    rows_by_task,
    written_plainly,
)
from ramify.metrics import Interval, TaskScores, intervals, score_intervals, spread_over_rows
from ramify.records import Difference, RunRecord, TaskScore
from ramify.runs._model import Model
from ramify.runs._predicting import NamedImages, PredictionRows, raw_values
from ramify.runs._scoring import scored
from ramify.tasks import Regression, TaskSet
from ramify.training import Predictions

_MEAN: Final = "mean"


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on labelled rows.

    Attributes:
        scores: Of each task that the table has a target of, with its 95 % interval over the rows.
        mean: Of the tasks that have a score, each as a skill: ROC-AUC, accuracy, kappa and NDCG as
            they are, R² in place of an error.
        n_rows: Rows of the table.
        absent: Tasks that the table has no target of.
    """

    scores: tuple[TaskScore, ...]
    mean: Interval
    n_rows: int
    absent: tuple[str, ...] = ()

    @property
    def frame(self) -> pl.DataFrame:
        """A row per task, and a last one for the mean."""
        rows: list[tuple[object, ...]] = [
            (each.task, each.metric, each.value, each.low, each.high, each.n_labels, each.note)
            for each in self.scores
        ]
        mean = (self.mean.value, self.mean.low, self.mean.high)
        known = [None if np.isnan(value) else value for value in mean]
        rows.append((_MEAN, "skill", *known, None, ""))
        types = [pl.String, pl.String, *[pl.Float64] * 3, pl.Int64, pl.String]
        names = ("task", "metric", "value", "low", "high", "labels", "note")
        return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")

    def __str__(self) -> str:
        """The table."""
        return str(self.frame)

    def _repr_html_(self) -> str:
        return self.frame._repr_html_()


def evaluated(
    model: Model,
    rows: PredictionRows,
    *,
    task_column: str | None = None,
    one_vs_rest_columns: Sequence[str] = (),
    group_column: str | None = None,
) -> Evaluation:
    """Score a model on labelled rows.

    Args:
        model: The model.
        rows: A table with feature and target columns; or files of pictures that a table with the
            targets names.
        task_column: The column that names each row's task, where the model was fitted with one.
        one_vs_rest_columns: Columns of classes of which the model learned a task per class.
        group_column: The column of the groups that rankings put in order.

    Raises:
        InputError: If the rows do not fit the model, or no target is among them.
    """
    if isinstance(rows, ImageRows):
        raise InputError(
            "to evaluate, labels must come with the pictures: give the table that names the files"
        )
    table = rows.table if isinstance(rows, NamedImages) else rows
    labelled = _labelled(table, model.tasks, task_column, one_vs_rest_columns)
    known = [i for i, task in enumerate(model.tasks) if task.name in labelled.columns]
    if not known:
        raise InputError(
            "the table must have the target column of a task at least. "
            f"It lacks {listed(model.tasks.names)}"
        )
    tasks = TaskSet([model.tasks[i] for i in known])
    targets, mask = read_targets(labelled, tasks)
    ranked = group_column is not None
    groups = read_groups(labelled, str(group_column), tasks, mask) if ranked else None
    values = np.concatenate(list(raw_values(model, rows)))
    columns = [c for c, task in enumerate(model.tasks.task_of_column) if task in set(known)]
    found = scored(Predictions(values[:, columns], targets, mask, groups), tasks)
    return Evaluation(
        tuple(found.table()),
        _mean(found.scores, groups),
        table.n_rows,
        tuple(task.name for i, task in enumerate(model.tasks) if i not in set(known)),
    )


def _mean(scores: TaskScores, groups: np.ndarray | None) -> Interval:
    """The mean skill; a single task's own score keeps its own interval."""
    skills = scores.skills()
    if int((~np.isnan(skills.values)).sum()) == 1 and not _has_error(scores.tasks):
        return next(i for i in score_intervals(scores, groups) if not np.isnan(i.value))
    mean = skills.mean()
    spread = spread_over_rows(mean.influence[:, None], groups)
    return intervals(np.array([mean.value]), spread)[0]


def _has_error(tasks: TaskSet) -> bool:
    return bool(tasks.of_kind(Regression))


def _labelled(
    table: Table, tasks: TaskSet, task_column: str | None, classes: Sequence[str]
) -> Table:
    """The table with a column per task, whose texts are read as the numbers they write."""
    for column in classes:
        table = one_vs_rest(table, column).table
    if task_column is not None:
        stems = [c for c in table.columns if any(n.startswith(f"{c}:") for n in tasks.names)]
        table = rows_by_task(table, stems, task_column).table
    others = [name for name in table.columns if name not in tasks.names]
    # Features are read as the model says; only what the targets write is to be found out.
    known = {name: c for name, c in table.readable.items() if name in tasks.names}
    plain = written_plainly(replace(table, readable=known, columns=tuple(known)))
    return replace(table, readable={**table.readable, **plain.readable}) if others else plain


def leaderboard_of(record: RunRecord) -> pl.DataFrame:
    """The model and what it was compared with, by test scores, the best first.

    Args:
        record: Of the run.
    """
    metrics = list(dict.fromkeys(task.metric for task in record.tasks))
    rows = [_row(record.sharing.name, record.scores.test, None, record.parameters, metrics)]
    rows += [
        _row(name, each.scores.test, each.mean_difference, each.parameters, metrics)
        for name, each in record.baselines.items()
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.sort("ahead", descending=True, nulls_last=True, maintain_order=True)


def _row(
    name: str,
    scores: Sequence[TaskScore],
    difference: Difference | None,
    parameters: int,
    metrics: Sequence[str],
) -> dict[str, object]:
    means = {
        metric: _mean_of([s.value for s in scores if s.metric == metric and s.value is not None])
        for metric in metrics
    }
    ends = (0.0, None, None)
    if difference is not None:  # of the model over this one: its ends change places
        found = (difference.value, difference.high, difference.low)
        ends = tuple(None if value is None else -value for value in found)  # type: ignore[assignment]
    ahead = dict(zip(("ahead", "ahead_low", "ahead_high"), ends, strict=True))
    return {"method": name, **means, **ahead, "parameters": parameters}


def _mean_of(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
