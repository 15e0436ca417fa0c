"""A table of which only the wanted columns are read, in a few plain forms."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Final, TypeAlias

import numpy as np
import polars as pl
from jaxtyping import Int64

from ramify._core import InputError, listed, quoted
from ramify.data.tables._cells import Column
from ramify.data.tables._text_file import TableReading
from ramify.tasks import Ordinal

BATCH_ROWS: Final = 8192
Rows: TypeAlias = Int64[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class Table:
    """A table that is read when asked, and only as far as asked. `open_table` makes one.

    Attributes:
        name: File name, or what the data was.
        columns: Names of all columns in order.
        n_rows: Number of rows.
        frame: The readable columns in plain forms, under keys of our own.
        readable: For each readable column, its key and its form.
        unreadable: For each other column (lists, structures, bytes), its type in words.
        notes: Columns that were converted (durations), and to what.
        levels: Columns that declare the order of their labels, with three or more of them.
        has_index: Whether a column that numbers the rows is an index of them, and no feature.
        unnamed: Columns without a name of their own.
        separator: The mark between the columns of a text file; empty of all else.
        reading: What the user says of how it is written.
        remarks: What a user should know of how it was read, a sentence each.
        places: For some rows of a larger table, their numbers there.
        typed: For a text file, gives the frame with columns of some keys read as Float64, which
            fails at a cell that is no number; None where there is nothing to gain.
    """

    name: str
    columns: tuple[str, ...]
    n_rows: int
    frame: pl.LazyFrame = field(repr=False)
    readable: dict[str, Column] = field(repr=False)
    unreadable: dict[str, str] = field(default_factory=dict, repr=False)
    notes: dict[str, str] = field(default_factory=dict, repr=False)
    levels: dict[str, Ordinal] = field(default_factory=dict, repr=False)
    has_index: bool = field(default=True, repr=False)
    unnamed: frozenset[str] = field(default=frozenset(), repr=False)
    separator: str = field(default="", repr=False)
    reading: TableReading = field(default=TableReading(), repr=False)
    remarks: tuple[str, ...] = field(default=(), repr=False)
    places: Rows | None = field(default=None, repr=False)
    typed: Callable[[Collection[str]], pl.LazyFrame] | None = field(default=None, repr=False)
    # What was found in the columns, so that no pass over the rows is made twice. No argument: a
    # table with other rows or columns starts over.
    found: dict[object, object] = field(default_factory=dict, init=False, repr=False)

    def column(self, name: str) -> Column:
        """Find a column that holds text, numbers or truth values.

        Raises:
            InputError: If there is none, or if it holds lists, structures or bytes.
        """
        if name in self.unreadable:
            raise InputError(
                f"column {quoted(name)} must hold numbers, text or true/false",
                got=self.unreadable[name],
                remedy="split it into columns or leave it out with `ignore`",
            )
        if name not in self.readable:
            raise InputError(
                f"{quoted(self.name)} has no column {quoted(name)}. It has {listed(self.columns)}"
            )
        return self.readable[name]

    def collect(self, *expressions: pl.Expr) -> pl.DataFrame:
        """Evaluate expressions over all rows, streaming."""
        with _Reading(self.name):
            return self.frame.select(*expressions).collect(engine="streaming")

    def batches(
        self, columns: Sequence[Column], rows: int = BATCH_ROWS, numbers: Collection[Column] = ()
    ) -> Iterator[pl.DataFrame]:
        """Read columns in batches, in the order of the rows.

        Args:
            columns: Which columns.
            rows: Most rows of a batch.
            numbers: Those of them that are to be Float64 at once, as long as all their cells are
                plainly numbers or empty; from the batch on where one is not, they come as they are.
        """
        keys, start = [column.key for column in columns], 0
        if numbers and self.typed is not None:
            frame = self.typed([column.key for column in numbers])
            # Any error of a cell means that text is to be looked at with care, from here on.
            with contextlib.suppress(pl.exceptions.ComputeError):
                for batch in _in_batches(frame.select(keys), rows):
                    yield batch
                    start += len(batch)
                return
        with _Reading(self.name):
            yield from _in_batches(self.frame.select(keys).slice(start), rows)

    def select(self, rows: Rows) -> "Table":
        """Some of the rows, in their order.

        Args:
            rows: Ascending row numbers from 0.
        """
        chosen = pl.Series("row", rows, dtype=pl.UInt32).implode()
        numbered = self.frame.with_row_index("row").filter(pl.col("row").is_in(chosen))
        places = rows if self.places is None else self.places[rows]
        frame = numbered.drop("row")
        return replace(self, frame=frame, n_rows=len(rows), places=places, typed=None)

    def row_words(self, row: int) -> str:
        """What a row is called in a message: by its number in the table that it was read from.

        Args:
            row: Number of the row, from 0.
        """
        return f"Data row {(row if self.places is None else int(self.places[row])) + 1:,}"

    def cell(self, column: str, row: int) -> str:
        """The text of one cell, for a message."""
        return str(self.collect(pl.col(self.column(column).key).slice(row, 1)).item())


def _in_batches(frame: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    return frame.collect_batches(chunk_size=rows, maintain_order=True, engine="streaming")


class _Reading:
    """Turns errors of polars into one line."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, (pl.exceptions.PolarsError, OSError)):
            raise not_a_table(self.name, error) from None


def not_a_table(name: object, error: BaseException) -> InputError:
    """The error for a table that polars gave up on."""
    words = " ".join(str(error).split())
    words = words if len(words) <= 100 else words[:99] + "…"
    return InputError(
        f"{quoted(name)} cannot be read as a table ({words}); "
        "check that the file is whole and of the type that its name says"
    )
