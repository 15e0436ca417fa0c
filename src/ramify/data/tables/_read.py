"""From a table to arrays: features, labels with the mask of those observed, and what spoils them."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from ramify._core import InputError, listed, quoted
from ramify.data.tables._cells import FALSE_WORDS, LARGEST, TRUE_WORDS, Column, Form, decoded
from ramify.data.tables._profile import Profile
from ramify.data.tables._schema import ColumnType, FeatureColumn, TableSchema
from ramify.data.tables._spelling import names_in
from ramify.data.tables._table import BATCH_ROWS, Table
from ramify.tasks import Task, TaskSet

Targets = Float[np.ndarray, "row task"]
LabelMask = Bool[np.ndarray, "row task"]

_EXPECTED: Final[dict[ColumnType, str]] = {
    "numeric": "numbers",
    "boolean": "true or false",
    "date": "dates such as 2024-05-31",
    "time": "times of day such as 09:30",
}
_FORMS: Final[dict[Form, str]] = {
    "whole": "whole numbers",
    "number": "numbers",
    "truth": "true and false",
    "moment": "dates",
    "clock": "times of day",
}
FIT_ADVICE: Final = " or leave the column out with `ignore`"
"""What else to do about a cell of a feature, for those who can choose the features."""
_MOSTLY: Final = 0.9
_A_FEW: Final = 5


def read_features(
    table: Table, schema: TableSchema, advice: str = ""
) -> Float[np.ndarray, "row raw"]:
    """Read the feature columns of a table.

    Args:
        table: The table; columns that the schema does not name are not read.
        schema: Which columns, and how.
        advice: What else to do about a cell that does not fit, for the message.

    Returns:
        Float64: a number, days or seconds, 0 or 1 for no or yes, the code of a category; NaN where
        missing. A category that the schema does not know has the code after the last one.

    Raises:
        InputError: If a column is missing, or a cell is not what the schema says.
    """
    raw = np.empty((table.n_rows, schema.n_raw), dtype=np.float64)
    start = 0
    for block in feature_batches(table, schema, advice=advice):
        raw[start : start + len(block)] = block
        start += len(block)
    return raw


def feature_batches(
    table: Table,
    schema: TableSchema,
    rows: int = BATCH_ROWS,
    *,
    advice: str = "",
) -> Iterator[Float[np.ndarray, "batch raw"]]:
    """Read the feature columns in batches, in the order of the rows, in bounded memory.

    Args:
        table: The table.
        schema: Which columns, and how.
        rows: Most rows of a batch.
        advice: As for `read_features`.

    Raises:
        InputError: As `read_features`.
    """
    cells = _columns(table, schema)

    def careful(i: int) -> pl.Expr:
        return _feature(cells[i], schema.features[i])

    fast = [
        cells[i].simple_number() if feature.type == "numeric" else careful(i)
        for i, feature in enumerate(schema.features)
    ]
    start = 0
    numeric = [
        column
        for column, feature in zip(cells, schema.features, strict=True)
        if feature.type == "numeric" and column.notation is None
    ]
    for frame in table.batches(cells, rows, numeric):
        block = decoded(frame, fast, careful).to_numpy(writable=True)
        if (place := _first_bad(block)) is not None:
            row, column = place
            feature = schema.features[column]
            raise bad_cell(table, feature.name, start + row, _EXPECTED[feature.type], advice)
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
    columns = [
        replace(table.column(feature.name), notation=feature.notation)
        if table.column(feature.name).form == "text"
        else table.column(feature.name)
        for feature in schema.features
    ]
    for column, feature in zip(columns, schema.features, strict=True):
        _check_form(column, feature, dates_as_numbers=schema.version == 1)
    return columns


def _check_form(column: Column, feature: FeatureColumn, *, dates_as_numbers: bool) -> None:
    """Check that a column's own type can hold what was learned from; text is read cell by cell."""
    form, wanted = column.form, feature.type
    temporal = form in ("moment", "clock")
    fits = {
        "numeric": not temporal or dates_as_numbers,
        "boolean": not temporal,
        "categorical": True,
        "date": form == "moment",
        "time": form == "clock",
    }
    if form == "text" or fits[wanted]:
        return
    remedy = {
        "numeric": "give the numbers that they were in training",
        "date": "turn it into dates first, such as by polars.from_epoch or pandas.to_datetime",
    }
    raise InputError(
        f"column {quoted(feature.name)} must hold {_EXPECTED[wanted]}, as in training",
        got=_FORMS[form],
        remedy=remedy.get(wanted, "convert it first"),
    )


def _feature(cells: Column, feature: FeatureColumn) -> pl.Expr:
    if feature.type == "numeric":
        return cells.flagged(cells.number())
    if feature.type == "boolean":
        return cells.flagged(cells.truth())
    if feature.type == "date":
        return cells.flagged(cells.moment())
    if feature.type == "time":
        return cells.flagged(cells.clock())
    label, n = cells.text(feature.categories), len(feature.categories)
    codes = list(range(n))
    code = label.replace_strict(list(feature.categories), codes, default=n, return_dtype=pl.Float64)
    return pl.when(label.is_not_null()).then(code).alias(cells.key)


def read_targets(table: Table, tasks: TaskSet) -> tuple[Targets, LabelMask]:
    """Read the target columns of a table.

    Args:
        table: The table; columns that are no task are not read.
        tasks: The targets, and what their labels mean.

    Returns:
        The labels in float64 (0 or 1, the index of the class, or the number in its own unit; 0
        where there is none), and the mask that is True where there is one.

    Raises:
        InputError: If a column is missing, or holds a label that its task does not know.
    """
    cells = [table.column(name) for name in tasks.names]
    labels = _Labels(table, tasks)
    fast = [labels.quick(i) for i in range(len(tasks))]
    targets = np.empty((table.n_rows, len(tasks)), dtype=np.float64)
    start = 0
    for frame in table.batches(cells):
        block = decoded(frame, fast, labels.careful).to_numpy()
        if (place := _first_bad(block)) is not None:
            raise _bad_label(table, tasks[place[1]], start + place[0])
        targets[start : start + len(block)] = block
        start += len(block)
    label_mask = ~np.isnan(targets)
    targets[~label_mask] = 0
    return targets, label_mask


class _Labels:
    """How each target is read: in a quick way that most cells allow, and in full."""

    def __init__(self, table: Table, tasks: TaskSet) -> None:
        self._columns = [table.column(task.name) for task in tasks]
        self._tasks = tasks
        classes = {task.name: task.kind.labels for task in tasks if task.kind.labels}
        self._names = names_in(table, list(classes), classes)

    def quick(self, i: int) -> pl.Expr:
        """The code of each label, null for what is not plainly a number."""
        column, task = self._columns[i], self._tasks[i]
        if not task.kind.labels:
            return column.simple_number()
        numbers = self._numbers(task)
        if numbers is None:
            return self.careful(i)
        found, (low, high) = column.simple_number(), numbers
        code = pl.when(found == low).then(0.0).when(found == high).then(1.0)
        return code.alias(column.key)

    def careful(self, i: int) -> pl.Expr:
        """The code of each label; +inf for one that the task does not know."""
        column, task = self._columns[i], self._tasks[i]
        classes = task.kind.labels
        if not classes:
            number = column.number()
            number = pl.coalesce(number, column.moment()) if column.form == "text" else number
            return column.flagged(number)
        if [label_truth(label) for label in classes] == [False, True]:
            return column.flagged(column.truth())
        text = column.text(classes)
        cells, codes = self._names[task.name].codes(classes)
        code = text.replace_strict(cells, codes, default=math.inf, return_dtype=pl.Float64)
        return pl.when(text.is_not_null()).then(code).alias(column.key)

    def _numbers(self, task: Task) -> tuple[float, float] | None:
        """The numbers of two classes, if numbers tell all cells of the column apart."""
        numbers = [label_number(label) for label in task.kind.labels]
        cells = [label_number(cell) for cell in self._names[task.name].cells]
        if len(numbers) != 2 or len(set(cells)) < len(cells):
            return None
        low, high = numbers
        return None if low is None or high is None or low == high else (low, high)


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


def check_numbers(table: Table, column: str, profile: Profile, advice: str = "") -> None:
    """Check that a column that is nearly all numbers is all numbers, and that they are finite.

    Args:
        table: The table.
        column: Name of the column.
        profile: What stands in it.
        advice: What else the user may do, for the message.

    Raises:
        InputError: If not; it names the first bad row.
    """
    texts = profile.present - profile.numeric
    if profile.is_boolean or not (profile.beyond or texts):
        return
    cells = table.column(column)
    value = cells.number()
    if profile.beyond:
        bad = value.abs() > LARGEST
    elif profile.numeric >= max(_MOSTLY * profile.present, _A_FEW):
        bad = cells.present().is_not_null() & value.is_null()
    else:
        return
    row = int(table.collect(bad.fill_null(value=False).arg_max()).item())
    raise bad_cell(table, column, row, _EXPECTED["numeric"], advice)


def bad_cell(table: Table, column: str, row: int, expected: str, advice: str = "") -> InputError:
    """The error for a cell that holds something else than it should.

    Args:
        table: The table.
        column: Name of the column.
        row: Number of the row, from 0.
        expected: What the column holds elsewhere.
        advice: What else the user may do.
    """
    cell = table.cell(column, row)
    if _is_too_large(cell):
        expected = f"finite {expected}"
    return InputError(
        f"column {quoted(column)} must hold {expected}. {table.row_words(row)} has "
        f"{quoted(cell)}; make it empty{advice}"
    )


def _is_too_large(cell: str) -> bool:
    try:
        return abs(float(cell)) > LARGEST
    except ValueError:
        return False


def _bad_label(table: Table, task: Task, row: int) -> InputError:
    if not task.kind.labels:
        return bad_cell(
            table, task.name, row, "finite numbers", " or say another kind with `kinds`"
        )
    return InputError(
        f"target {quoted(task.name)} must hold {listed(task.kind.labels)} or be empty. "
        f"{table.row_words(row)} has {quoted(table.cell(task.name, row))}"
    )


def _first_bad(block: Float[np.ndarray, "batch column"]) -> tuple[int, int] | None:
    """Row and column of a cell that is infinite or too large; None if there is none."""
    # Largest and smallest first: they need no array of their own.
    if np.fmax.reduce(block, axis=None) <= LARGEST and np.fmin.reduce(block, axis=None) >= -LARGEST:
        return None
    bad = np.abs(block) > LARGEST
    if not bad.any():
        return None
    column = int(np.flatnonzero(bad.any(axis=0))[0])
    return int(np.flatnonzero(bad[:, column])[0]), column
