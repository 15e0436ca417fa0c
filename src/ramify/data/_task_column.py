"""Rows that each belong to one task, as a target column per task."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import polars as pl

from ramify._core import InputError, listed, quoted
from ramify.data._cells import Column
from ramify.data._names import check_columns
from ramify.data._read_targets import label_number
from ramify.data._table import Table
from ramify.data._values import text_values

_MOST: Final = 10_000


class RowsByTask(NamedTuple):
    """What `rows_by_task` gives.

    Attributes:
        table: The table with the new columns in place of the targets and the column of tasks.
        targets: Names of the new columns.
    """

    table: Table
    targets: tuple[str, ...]


def rows_by_task(table: Table, targets: Sequence[str], column: str) -> RowsByTask:
    """Replace targets by one column per task, ``target:task``, labelled in the rows of that task.

    So a table in which each row belongs to one school, say, is learned as one task per school,
    whose labels are missing in the rows of all others. Rows without a task have no label.

    Args:
        table: The table.
        targets: Columns with the labels.
        column: The column that names each row's task, 2 to 10,000 of them.

    Raises:
        InputError: If the column is a target, or has fewer or more tasks, or the table has a
            column of a new one's name.

    Example:
        >>> from ramify.data import open_table
        >>> frame = pl.DataFrame({"x": [1, 2, 3], "score": [7, 8, 9], "school": ["a", "b", "a"]})
        >>> rows_by_task(open_table(frame), ["score"], "school").targets
        ('score:a', 'score:b')
    """
    if column in targets:
        raise InputError(f"--task-column must not be a target. Got {quoted(column)} in both")
    check_columns(table.columns, [column], "--task-column")
    task = table.column(column)
    values = text_values(table, [column])[column]
    if not 2 <= values.distinct <= _MOST:
        raise InputError(
            f"column {quoted(column)} of --task-column must name from 2 to {_MOST:,} tasks. "
            f"Got {values.distinct:,}"
        )
    labels = sorted(values.counts, key=_in_order)
    cells = {
        f"{target}:{label}": (f"{table.column(target).key}:{i}", table.column(target), label)
        for target in targets
        for i, label in enumerate(labels)
    }
    if taken := [name for name in cells if name in table.columns]:
        raise InputError(f"{quoted(table.name)} has columns {listed(taken)} already; rename them")
    frame = table.frame.with_columns(
        pl.when(task.text() == label).then(pl.col(target.key)).alias(key)
        for key, target, label in cells.values()
    )
    gone = {column, *targets}
    readable = {name: found for name, found in table.readable.items() if name not in gone}
    readable |= {name: Column(key, target.form) for name, (key, target, _) in cells.items()}
    levels = {
        name: table.levels[target]
        for target in targets
        if target in table.levels
        for name in (f"{target}:{label}" for label in labels)
    }
    columns = (*(name for name in table.columns if name not in gone), *cells)
    return RowsByTask(
        replace(table, columns=columns, frame=frame, readable=readable, levels=levels), tuple(cells)
    )


def _in_order(label: str) -> tuple[float, str]:
    number = label_number(label)
    return (float("inf") if number is None else number, label)
