"""From a table to arrays: features, labels with the mask of those observed, and what spoils them."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from ramify._core import InputError, listed, quoted
from ramify.data.tables._cells import FALSE_WORDS, LARGEST_FLOAT32, TRUE_WORDS, Column, decoded
from ramify.data.tables._profile import Profile
from ramify.data.tables._schema import FeatureColumn, TableSchema
from ramify.data.tables._table import BATCH_ROWS, Table
from ramify.tasks import Task, TaskSet

_EXPECTED: Final = {"numeric": "numbers", "boolean": "true or false"}


def read_features(table: Table, schema: TableSchema) -> Float[np.ndarray, "row raw"]:
    """Read the feature columns of a table.

    Args:
        table: The table; columns that the schema does not name are not read.
        schema: Which columns, and how.

    Returns:
        Float32: a number, 0 or 1 for no or yes, the code of a category; NaN where missing. A
        category that the schema does not know has the code after the last one.

    Raises:
        InputError: If a column is missing, or a cell is no finite float32 number where one must
            be.
    """
    raw = np.empty((table.n_rows, schema.n_raw), dtype=np.float32)
    start = 0
    for block in feature_batches(table, schema):
        raw[start : start + len(block)] = block
        start += len(block)
    return raw


def feature_batches(
    table: Table, schema: TableSchema, rows: int = BATCH_ROWS, *, every: int = 1
) -> Iterator[Float[np.ndarray, "batch raw"]]:
    """Read the feature columns in batches, in the order of the rows, in bounded memory.

    Args:
        table: The table.
        schema: Which columns, and how.
        rows: Most rows of a batch.
        every: Read every so many-th row only, from the first.

    Raises:
        InputError: As `read_features`.
    """
    cells = _columns(table, schema)

    def careful(i: int) -> pl.Expr:
        return _expression(cells[i], schema.features[i])

    fast = [
        cells[i].simple_number().cast(pl.Float32) if feature.type == "numeric" else careful(i)
        for i, feature in enumerate(schema.features)
    ]
    start = 0
    for frame in table.batches(cells, rows, every):
        block = decoded(frame, fast, careful).to_numpy()
        _check_features(table, schema, block, start)
        start += len(block)
        yield block


def _columns(table: Table, schema: TableSchema) -> list[Column]:
    known = set(table.columns)
    absent = [name for name in schema.names if name not in known]
    if absent:
        raise InputError(
            f"{quoted(table.name)} must have the feature columns that the model learned from. "
            f"It lacks {listed(absent)}; add them (they may be empty)"
        )
    return [table.column(name) for name in schema.names]


def _expression(cells: Column, feature: FeatureColumn) -> pl.Expr:
    if feature.type == "numeric":
        return cells.flagged(cells.number())
    if feature.type == "boolean":
        return cells.flagged(cells.truth())
    label, n = cells.text(), len(feature.categories)
    codes = list(range(n))
    code = label.replace_strict(list(feature.categories), codes, default=n, return_dtype=pl.Float32)
    return pl.when(label.is_not_null()).then(code).alias(cells.key)


def _check_features(
    table: Table, schema: TableSchema, block: Float[np.ndarray, "batch raw"], start: int
) -> None:
    bad = np.isinf(block)
    if not bad.any():
        return
    place = int(np.flatnonzero(bad.any(axis=0))[0])
    row = start + int(np.flatnonzero(bad[:, place])[0])
    column = schema.features[place]
    raise bad_cell(table, column.name, row, _EXPECTED[column.type])


def bad_cell(table: Table, column: str, row: int, expected: str, hint: str = "") -> InputError:
    """The error for a cell that holds something else than it should.

    Args:
        table: The table.
        column: Name of the column.
        row: Number of the row, from 0.
        expected: What the column holds elsewhere.
        hint: What else the user may do.
    """
    return InputError(
        f"column {quoted(column)} must hold {expected}. Data row {row + 1:,} has "
        f"{quoted(table.cell(column, row))}; make it empty{hint}"
    )


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
        _check_labels(table, tasks, block, start)
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


def _check_labels(table: Table, tasks: TaskSet, block: Targets, start: int) -> None:
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
    raise bad_cell(table, task.name, row, "finite numbers", " or say another kind with `kinds`")


_MOSTLY: Final = 0.9
_A_FEW: Final = 5


def check_numbers(table: Table, column: str, profile: Profile, hint: str = "") -> None:
    """Check that a column that is nearly all numbers is all numbers, and that they are finite.

    Args:
        table: The table.
        column: Name of the column.
        profile: What stands in it.
        hint: What else the user may do, for the message.

    Raises:
        InputError: If not; it names the first bad row.
    """
    texts = profile.present - profile.numeric
    if profile.is_boolean or not (profile.beyond or texts):
        return
    cells = table.column(column)
    value = cells.number()
    if profile.beyond:
        raise _first(table, column, value.abs() > LARGEST_FLOAT32, "finite float32 numbers", hint)
    if texts and profile.numeric >= max(_MOSTLY * profile.present, _A_FEW):
        bad = cells.present().is_not_null() & value.is_null()
        raise _first(table, column, bad, "numbers", hint)


def _first(table: Table, column: str, bad: pl.Expr, expected: str, hint: str) -> InputError:
    row = int(table.collect(bad.fill_null(value=False).arg_max()).item())
    return bad_cell(table, column, row, expected, hint)
