"""Cells that spoil a column: a text among numbers, an infinite number."""

from typing import Final

import polars as pl

from ramify._core import InputError
from ramify.data._cells import LARGEST_FLOAT32
from ramify.data._profile import Profile
from ramify.data._read_features import bad_cell
from ramify.data._table import Table

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
