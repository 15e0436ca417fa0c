"""Target columns as labels and the mask that says which of them were observed."""

import math

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from ramify._core import InputError, listed, quoted
from ramify.data._cells import FALSE_WORDS, TRUE_WORDS, Column, decoded
from ramify.data._read_features import bad_cell
from ramify.data._table import Table
from ramify.tasks import Task, TaskSet

Targets = Float[np.ndarray, "row task"]
LabelMask = Bool[np.ndarray, "row task"]


def read_targets(table: Table, tasks: TaskSet, *, every: int = 1) -> tuple[Targets, LabelMask]:
    """Read the target columns of a table.

    Args:
        table: The table; columns that are no task are not read.
        tasks: The targets, and what their labels mean.
        every: Read every so many-th row only, from the first.

    Returns:
        The labels in float32 (0 or 1, the index of the class, or the number in its own unit; 0
        where there is none), and the mask that is True where there is one.

    Raises:
        InputError: If a column is missing, or holds a label that its task does not know.
    """
    cells = [table.column(name) for name in tasks.names]

    def careful(i: int) -> pl.Expr:
        return cells[i].flagged(_code(cells[i], tasks[i]))

    simple = [_simple_code(column, task) for column, task in zip(cells, tasks, strict=True)]
    fast = [one if one is not None else careful(i) for i, one in enumerate(simple)]
    n_rows = -(-table.n_rows // every)
    targets = np.empty((n_rows, len(tasks)), dtype=np.float32)
    start = 0
    for frame in table.batches(cells, every=every):
        block = decoded(frame, fast, careful).to_numpy()
        _check_cells(table, tasks, block, start)
        targets[start : start + len(block)] = block
        start += len(block)
    label_mask = ~np.isnan(targets)
    return np.where(label_mask, targets, np.float32(0)), label_mask


def label_number(label: str) -> float | None:
    """The number that a label stands for, or None.

    Example:
        >>> label_number("1.0"), label_number("yes")
        (1.0, None)
    """
    if "_" in label or not label.isascii():  # numbers to Python, but not to polars
        return None
    try:
        value = float(label)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def label_truth(label: str) -> bool | None:
    """Whether a label is a word for true or for false, or None."""
    word = label.lower()
    return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


def _code(cells: Column, task: Task) -> pl.Expr:
    """The code of each label; null for a missing or unknown one."""
    classes = _classes(task)
    numbers = _class_numbers(task)
    if not classes:
        return cells.number()
    if numbers is None and [label_truth(label) for label in classes] == [False, True]:
        return cells.truth()
    found = cells.text() if numbers is None else cells.number()
    codes = [float(code) for code in range(len(classes))]
    return found.replace_strict(numbers or classes, codes, default=None, return_dtype=pl.Float32)


def _simple_code(cells: Column, task: Task) -> pl.Expr | None:
    """The same in a quick way, null for what is not plainly a number; None if there is no way."""
    found = cells.simple_number()
    numbers = _class_numbers(task)
    if not _classes(task):
        return found.cast(pl.Float32)
    if numbers is None or len(numbers) != 2:
        return None
    code = pl.when(found == numbers[0]).then(0.0).when(found == numbers[1]).then(1.0)
    return code.cast(pl.Float32).alias(cells.key)


def _classes(task: Task) -> list[str]:
    return list(task.kind.labels)


def _class_numbers(task: Task) -> list[float] | None:
    numbers = [value for label in _classes(task) if (value := label_number(label)) is not None]
    return numbers if numbers and len(numbers) == len(_classes(task)) else None


def _check_cells(table: Table, tasks: TaskSet, block: Targets, start: int) -> None:
    bad = np.isinf(block)
    if not bad.any():
        return
    place = int(np.flatnonzero(bad.any(axis=0))[0])
    row = start + int(np.flatnonzero(bad[:, place])[0])
    task = tasks[place]
    if classes := _classes(task):
        raise InputError(
            f"target {quoted(task.name)} must hold {listed(classes)} or be empty. "
            f"Data row {row + 1:,} has {quoted(table.cell(task.name, row))}"
        )
    raise bad_cell(table, task.name, row, "finite numbers", " or use --kind")
