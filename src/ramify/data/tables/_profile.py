"""What stands in the columns: counts over all rows, from one pass in batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify.data.tables._cells import LARGEST, LARGEST_EXACT, Column, Form, decoded
from ramify.data.tables._table import Table

MOST_VALUES: Final = 1001
_CELLS: Final = 1 << 23
_FEWEST: Final = 10  # fewer rows may rise by chance


@dataclass(frozen=True)
class Profile:
    """Counts over the rows of one column.

    Attributes:
        form: What its cells are.
        present: Cells that are not missing.
        numeric: Cells that are numbers.
        beyond: Numbers that are infinite, or too large to be computed with.
        low: Smallest number.
        high: Largest number.
        whole: Whether all numbers are integers.
        are_codes: Whether all are whole numbers in text of which some begin with zeros, such as
            ``01``: numbers have no such zeros.
        distinct: How many different numbers there are, if that was asked for; None if more than
            `MOST_VALUES`.
    """

    form: Form
    present: int
    numeric: int
    beyond: int
    low: float
    high: float
    whole: bool
    are_codes: bool
    distinct: int | None

    @property
    def is_boolean(self) -> bool:
        """Whether the column's own type is Boolean."""
        return self.form == "truth"

    @property
    def all_numbers(self) -> bool:
        """Whether every present cell is a number; true or false are none, nor are codes."""
        return not self.is_boolean and not self.are_codes and self.numeric == self.present

    @property
    def is_inexact(self) -> bool:
        """Whether there are whole numbers so large that float64 does not hold all of them."""
        return self.whole and max(abs(self.low), abs(self.high)) > LARGEST_EXACT


def profiles(table: Table, columns: Sequence[str], count: Sequence[str] = ()) -> dict[str, Profile]:
    """Count what stands in columns.

    Args:
        table: The table.
        columns: Which columns.
        count: Those of them whose different numbers are to be counted.
    """
    if not columns:
        return {}
    cells = [table.column(name) for name in columns]
    tally = _Tally(cells, [name in set(count) for name in columns])
    fast = [column.simple_number() for column in cells]
    # Few rows at a time if there are many columns: a batch is held as float64.
    most = max(256, min(8192, _CELLS // len(columns)))
    for frame in table.batches(cells, most):
        numbers = decoded(frame, fast, lambda i: cells[i].number())
        tally.add(frame, numbers.to_numpy(), _n_present(cells, frame, numbers))
    return {name: tally.profile(i) for i, name in enumerate(columns)}


def indexes_among(table: Table, found: Mapping[str, Profile]) -> dict[str, str]:
    """Columns that number the rows, with the reason why they say nothing of them.

    Args:
        table: The table, or some of its rows.
        found: What stands in the columns.
    """
    if not table.has_index:
        return {}
    n = table.n_rows
    whole = {
        name: table.column(name)
        for name, one in found.items()
        if one.whole and one.all_numbers and one.present == n >= _FEWEST
    }
    rows = np.arange(n) if table.places is None else table.places
    # Only what spans as many numbers as rows can rise by one with them.
    span = float(rows[-1] - rows[0])
    rising = {name: c for name, c in whole.items() if found[name].high - found[name].low == span}
    unnamed = {name: column for name, column in whole.items() if name in table.unnamed}
    if not (rising or unnamed):
        return {}
    wanted = {column.key: column for column in (rising | unnamed).values()}
    numbers = table.collect(*(column.number() for column in wanted.values()))
    reasons = {}
    for name, column in unnamed.items():
        if numbers[column.key].n_unique() == n:
            reasons[name] = "an index: whole numbers without a name, all different"
    for name, column in rising.items():
        if bool((numbers[column.key].to_numpy() - rows == found[name].low - rows[0]).all()):
            reasons[name] = "an index: it rises by one with the rows"
    return reasons


def _n_present(
    cells: list[Column], frame: pl.DataFrame, numbers: pl.DataFrame
) -> NDArray[np.int64]:
    found = []
    for column, before, after in zip(cells, frame, numbers, strict=True):
        n = after.len() - after.null_count()
        if column.form == "number" or n < before.len() - before.null_count():
            n = frame.select(column.present().count()).item()
        found.append(n)
    return np.array(found, dtype=np.int64)


class _Tally:
    """Counts so far, an entry per column."""

    def __init__(self, cells: Sequence[Column], count: Sequence[bool]) -> None:
        n = len(cells)
        self.cells = cells
        self.present = np.zeros(n, dtype=np.int64)
        self.numeric = np.zeros(n, dtype=np.int64)
        self.beyond = np.zeros(n, dtype=np.int64)
        self.low = np.full(n, np.nan)
        self.high = np.full(n, np.nan)
        self.whole = np.ones(n, dtype=np.bool_)
        self.padded = np.zeros(n, dtype=np.bool_)
        self.numbers: dict[int, set[float]] = {i: set() for i in range(n) if count[i]}

    def add(
        self, frame: pl.DataFrame, block: NDArray[np.float64], n_present: NDArray[np.int64]
    ) -> None:
        """Take in a batch: its cells, and their numbers, NaN where there is none."""
        missing = np.isnan(block)
        self.present += n_present
        self.numeric += (~missing).sum(axis=0)
        self.beyond += (np.abs(block) > LARGEST).sum(axis=0)
        self.low = np.fmin(self.low, np.fmin.reduce(block, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(block, axis=0))
        self.whole &= ((block == np.rint(block)) | missing).all(axis=0)
        for i, column in enumerate(self.cells):
            if column.form == "text" and self.whole[i] and not self.padded[i]:
                self.padded[i] = _has_leading_zeros(frame[column.key])
        for i, numbers in self.numbers.items():
            if len(numbers) <= MOST_VALUES:
                numbers.update(np.unique(block[~missing[:, i], i]).tolist())

    def profile(self, i: int) -> Profile:
        """What was counted in one column."""
        numbers = self.numbers.get(i)
        whole = bool(self.whole[i])
        return Profile(
            self.cells[i].form,
            int(self.present[i]),
            int(self.numeric[i]),
            int(self.beyond[i]),
            float(self.low[i]),
            float(self.high[i]),
            whole,
            whole and bool(self.padded[i]) and self.numeric[i] == self.present[i],
            len(numbers) if numbers is not None and len(numbers) <= MOST_VALUES else None,
        )


def _has_leading_zeros(cells: pl.Series) -> bool:
    # Cheaper than a pattern for each cell; that they are whole numbers is known.
    zeros = cells.str.starts_with("0") & (cells.str.len_bytes() > 1)
    return bool(zeros.any()) and bool(cells.str.contains(r"^[ ]*-?0[0-9]+[ ]*$").any())
