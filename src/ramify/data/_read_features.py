"""Feature columns as a float32 matrix, whole or in batches."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from ramify._core import InputError, listed, quoted
from ramify.data._cells import Column, decoded
from ramify.data._schema import FeatureColumn, TableSchema
from ramify.data._table import BATCH_ROWS, Table

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
        _check_cells(table, schema, block, start)
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


def _check_cells(
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
        f"{quoted(table.cell(column, row))}; make it empty{hint or ' or --ignore the column'}"
    )
