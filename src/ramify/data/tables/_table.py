"""A table of which only the wanted columns are read, in one of three plain forms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

import polars as pl

from ramify._core import InputError, listed, quoted
from ramify.data.tables._cells import Column
from ramify.tasks import Ordinal

BATCH_ROWS: Final = 8192


@dataclass(frozen=True, eq=False)
class Table:
    """A table that is read when asked, and only as far as asked. `open_table` makes one.

    Attributes:
        name: File name, or what the data was.
        columns: Names of all columns in order.
        n_rows: Number of rows.
        frame: The readable columns as text, Float64 or Boolean, under keys of our own.
        readable: For each readable column, its key and which of the three it is.
        unreadable: For each other column (lists, structures, bytes), its type in words.
        notes: Columns that were converted (dates), and to what.
        levels: Columns that declare the order of their labels, with three or more of them.
    """

    name: str
    columns: tuple[str, ...]
    n_rows: int
    frame: pl.LazyFrame = field(repr=False)
    readable: dict[str, Column] = field(repr=False)
    unreadable: dict[str, str] = field(default_factory=dict, repr=False)
    notes: dict[str, str] = field(default_factory=dict, repr=False)
    levels: dict[str, Ordinal] = field(default_factory=dict, repr=False)

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
        self, columns: Sequence[Column], rows: int = BATCH_ROWS, every: int = 1
    ) -> Iterator[pl.DataFrame]:
        """Read columns in batches, in the order of the rows.

        Args:
            columns: Which columns.
            rows: Most rows of a batch.
            every: Read every so many-th row only, from the first.
        """
        keys, start = [column.key for column in columns], 0
        with _Reading(self.name):
            for frame in self.frame.select(keys).collect_batches(
                chunk_size=rows, maintain_order=True, engine="streaming"
            ):
                yield frame if every == 1 else frame.gather_every(every, -start % every)
                start += len(frame)

    def cell(self, column: str, row: int) -> str:
        """The text of one cell, for a message."""
        return str(self.collect(pl.col(self.column(column).key).slice(row, 1)).item())


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
