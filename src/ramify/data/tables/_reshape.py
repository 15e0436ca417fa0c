"""Tables with other targets: a column per task of the rows, or a yes-or-no column per class."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import polars as pl

from ramify._core import InputError, listed, quoted
from ramify.data.tables._cells import Column
from ramify.data.tables._names import check_columns
from ramify.data.tables._spelling import Names, named_plainly
from ramify.data.tables._table import Table
from ramify.data.tables._target_kinds import label_order

_MOST_TASKS: Final = 10_000
_MOST_CLASSES: Final = 1000


class RowsByTask(NamedTuple):
    """What `rows_by_task` gives.

    Attributes:
        table: The table with the new columns in place of the targets and the column of tasks.
        targets: Names of the new columns.
    """

    table: Table
    targets: tuple[str, ...]


def rows_by_task(table: Table, targets: Sequence[str], task_column: str) -> RowsByTask:
    """Replace targets by one column per task, ``target:task``, labelled in the rows of that task.

    So a table in which each row belongs to one school, say, is learned as one task per school,
    whose labels are missing in the rows of all others. Rows without a task have no label.

    Args:
        table: The table.
        targets: Columns with the labels.
        task_column: The column that names each row's task, 2 to 10,000 of them.

    Raises:
        InputError: If the column is a target, or has fewer or more tasks, or the table has a
            column of a new one's name.

    Example:
        >>> from ramify.data import open_table
        >>> frame = pl.DataFrame({"x": [1, 2, 3], "score": [7, 8, 9], "school": ["a", "b", "a"]})
        >>> rows_by_task(open_table(frame), ["score"], "school").targets
        ('score:a', 'score:b')
    """
    if task_column in targets:
        got = f"{quoted(task_column)} in both"
        raise InputError("must not name a target", argument="task_column", got=got)
    check_columns(table.columns, [task_column], "task_column")
    task = table.column(task_column)
    names = named_plainly(table, task_column, "task_column")
    if not 2 <= names.distinct <= _MOST_TASKS:
        raise InputError(
            f"{quoted(task_column)} must name from 2 to {_MOST_TASKS:,} tasks",
            argument="task_column",
            got=f"{names.distinct:,}",
        )
    labels = sorted(names.counts, key=label_order)
    cells = {
        f"{target}:{label}": (f"{table.column(target).key}:{i}", table.column(target), i)
        for target in targets
        for i, label in enumerate(labels)
    }
    if taken := [name for name in cells if name in table.columns]:
        raise InputError(f"{quoted(table.name)} has columns {listed(taken)} already; rename them")
    place = _place(task, names, labels)
    frame = table.frame.with_columns(
        pl.when(place == i).then(pl.col(target.key)).alias(key) for key, target, i in cells.values()
    )
    gone = {task_column, *targets}
    readable = {name: found for name, found in table.readable.items() if name not in gone}
    readable |= {
        name: Column(key, target.form, target.notation) for name, (key, target, _) in cells.items()
    }
    levels = {
        name: table.levels[target]
        for target in targets
        if target in table.levels
        for name in (f"{target}:{label}" for label in labels)
    }
    columns = (*(name for name in table.columns if name not in gone), *cells)
    return RowsByTask(
        replace(table, columns=columns, frame=frame, readable=readable, levels=levels, typed=None),
        tuple(cells),
    )


class OneVsRest(NamedTuple):
    """What `one_vs_rest` gives.

    Attributes:
        table: The table with the new columns in place of the old one.
        targets: Names of the new columns.
    """

    table: Table
    targets: tuple[str, ...]


def one_vs_rest(table: Table, column: str) -> OneVsRest:
    """Replace a column of classes by one column per class, ``column=class``: yes or no.

    A missing cell is missing in all of them.

    Args:
        table: The table.
        column: A column with 2 to 1,000 different labels.

    Raises:
        InputError: If it has fewer or more, or the table has a column of a new one's name.

    Example:
        >>> import polars as pl
        >>> from ramify.data import open_table
        >>> frame = pl.DataFrame({"label": [2, 0, None, 2]})
        >>> one_vs_rest(open_table(frame), "label").targets
        ('label=0', 'label=2')
    """
    check_columns(table.columns, [column], "one_vs_rest")
    cells = table.column(column)
    names = named_plainly(table, column, "one_vs_rest")
    if not 2 <= names.distinct <= _MOST_CLASSES:
        raise InputError(
            f"must name columns of 2 to {_MOST_CLASSES:,} different labels. "
            f"{quoted(column)} has {names.distinct:,}",
            argument="one_vs_rest",
        )
    labels = sorted(names.counts, key=label_order)
    targets = tuple(f"{column}={label}" for label in labels)
    if taken := [name for name in targets if name in table.columns]:
        raise InputError(f"{quoted(table.name)} has columns {listed(taken)} already; rename them")
    keys = [f"{cells.key}={i}" for i in range(len(labels))]
    label = _place(cells, names, labels)
    frame = table.frame.with_columns((label == i).alias(key) for i, key in enumerate(keys))
    place = table.columns.index(column)
    readable = {name: found for name, found in table.readable.items() if name != column}
    readable |= {name: Column(key, "truth") for name, key in zip(targets, keys, strict=True)}
    columns = (*table.columns[:place], *targets, *table.columns[place + 1 :])
    return OneVsRest(
        replace(table, columns=columns, frame=frame, readable=readable, typed=None), targets
    )


def _place(column: Column, names: Names, labels: Sequence[str]) -> pl.Expr:
    """The place of each cell's name among labels; null for a missing cell."""
    cells, places = names.codes(labels)
    return column.text().replace_strict(cells, places, default=None, return_dtype=pl.Float64)
