"""What stands in the columns: counts over all rows, from one pass in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify.data.tables._cells import LARGEST_FLOAT32, Column, decoded
from ramify.data.tables._table import Table

MOST_VALUES: Final = 1001
_CELLS: Final = 1 << 23


@dataclass(frozen=True)
class Profile:
    """Counts over the rows of one column.

    Attributes:
        is_boolean: Whether the column's own type is Boolean.
        present: Cells that are not missing.
        numeric: Cells that are numbers.
        beyond: Numbers that are infinite or too large for float32.
        low: Smallest number.
        high: Largest number.
        whole: Whether all numbers are integers.
        numbers: How often each number occurs, if that was asked for; None if there are more than
            `MOST_VALUES` different ones.
    """

    is_boolean: bool
    present: int
    numeric: int
    beyond: int
    low: float
    high: float
    whole: bool
    numbers: dict[float, int] | None

    @property
    def all_numbers(self) -> bool:
        """Whether every present cell is a number; true or false are none."""
        return not self.is_boolean and self.numeric == self.present


def profiles(table: Table, columns: Sequence[str], count: Sequence[str] = ()) -> dict[str, Profile]:
    """Count what stands in columns.

    Args:
        table: The table.
        columns: Which columns.
        count: Those of them whose numbers are to be counted one by one.
    """
    if not columns:
        return {}
    tally = _Tally(columns, count)
    cells = [table.column(name) for name in columns]
    fast = [column.simple_number() for column in cells]
    # Few rows at a time if there are many columns: a batch is held as float64.
    rows = max(256, min(8192, _CELLS // len(columns)))
    for frame in table.batches(cells, rows):
        numbers = decoded(frame, fast, lambda i: cells[i].number())
        tally.add(numbers.to_numpy(), _n_present(cells, frame, numbers))
    return {
        name: tally.profile(i, is_boolean=cells[i].is_boolean) for i, name in enumerate(columns)
    }


def _n_present(
    cells: list[Column], frame: pl.DataFrame, numbers: pl.DataFrame
) -> NDArray[np.int64]:
    found = []
    for column, before, after in zip(cells, frame, numbers, strict=True):
        n = after.len() - after.null_count()
        if n < before.len() - before.null_count():
            n = frame.select(column.present().count()).item()
        found.append(n)
    return np.array(found, dtype=np.int64)


class _Tally:
    """Counts so far, an entry per column."""

    def __init__(self, columns: Sequence[str], count: Sequence[str]) -> None:
        n, wanted = len(columns), set(count)
        self.present = np.zeros(n, dtype=np.int64)
        self.numeric = np.zeros(n, dtype=np.int64)
        self.beyond = np.zeros(n, dtype=np.int64)
        self.low = np.full(n, np.nan)
        self.high = np.full(n, np.nan)
        self.whole = np.ones(n, dtype=np.bool_)
        self.numbers: dict[int, dict[float, int]] = {
            i: {} for i, name in enumerate(columns) if name in wanted
        }

    def add(self, block: NDArray[np.float64], n_present: NDArray[np.int64]) -> None:
        """Take in a batch of numbers, NaN where there is none."""
        missing = np.isnan(block)
        self.present += n_present
        self.numeric += (~missing).sum(axis=0)
        self.beyond += (np.abs(block) > LARGEST_FLOAT32).sum(axis=0)
        self.low = np.fmin(self.low, np.fmin.reduce(block, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(block, axis=0))
        self.whole &= ((block == np.rint(block)) | missing).all(axis=0)
        for i, counts in self.numbers.items():
            if len(counts) <= MOST_VALUES:
                found, times = np.unique(block[~missing[:, i], i], return_counts=True)
                for value, n in zip(found.tolist(), times.tolist(), strict=True):
                    counts[value] = counts.get(value, 0) + n

    def profile(self, i: int, *, is_boolean: bool) -> Profile:
        """What was counted in one column."""
        numbers = self.numbers.get(i)
        return Profile(
            is_boolean,
            int(self.present[i]),
            int(self.numeric[i]),
            int(self.beyond[i]),
            float(self.low[i]),
            float(self.high[i]),
            bool(self.whole[i]),
            numbers if numbers is not None and len(numbers) <= MOST_VALUES else None,
        )


@dataclass(frozen=True)
class Values:
    """The different labels or categories of one column.

    Attributes:
        counts: How often each occurs, most frequent first; at most `MOST_VALUES` of them.
        distinct: How many there are.
        truths: Cells that are words for yes or no.
    """

    counts: dict[str, int]
    distinct: int
    truths: int


def text_values(table: Table, columns: Sequence[str]) -> dict[str, Values]:
    """Count how often each text occurs in columns; one pass over the table."""
    if not columns:
        return {}
    cells = [table.column(name) for name in columns]
    found = table.collect(*(e for column in cells for e in _frequencies(column)))
    return {
        name: _ordered(found[column.key].item(), found[f"{column.key} truths"].item())
        for name, column in zip(columns, cells, strict=True)
    }


def _frequencies(column: Column) -> tuple[pl.Expr, pl.Expr]:
    labels = column.text().drop_nulls().alias("value").value_counts(name="n")
    return labels.implode().alias(column.key), column.truth().count().alias(f"{column.key} truths")


def _ordered(counts: pl.Series, truths: int) -> Values:
    # Ties in the order of the text, so that the same table gives the same categories every time.
    ordered = counts.struct.unnest().sort(["n", "value"], descending=[True, False])
    return Values(dict(ordered.head(MOST_VALUES).iter_rows()), len(counts), truths)


def number_values(profile: Profile) -> Values:
    """The numbers that a profile counted, as labels."""
    numbers = profile.numbers
    if numbers is None:
        return Values({}, MOST_VALUES + 1, 0)
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    return Values({number_label(value): n for value, n in ordered}, len(numbers), 0)


def number_label(value: float) -> str:
    """A number as a label: ``1``, not ``1.0``.

    Example:
        >>> number_label(1.0), number_label(-0.5)
        ('1', '-0.5')
    """
    return str(int(value)) if value.is_integer() else repr(value)
