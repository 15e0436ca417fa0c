"""One name for one thing: how a class, a group or a task is called, whatever the table came as.

A column of numbers, dates or truth values is written as text in several ways: ``1``, ``1.0`` and 1 in
a Parquet file are one label. Codes such as ``01``, ``1`` and ``1.10`` are not numbers but texts, and stay
as they are. Which of the two a column holds, all its different cells decide together.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple, cast

import polars as pl

from ramify._core import InputError, counted, listed, quoted
from ramify.data.tables._cells import LARGEST_EXACT, MISSING, Column
from ramify.data.tables._moments import clocks, days, moment_names, moments
from ramify.data.tables._table import Table

_WHOLE: Final = r"^(?:0|-?[1-9][0-9]*)$"
_WHOLE_CELL: Final = re.compile(_WHOLE)
_FRACTION: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE][+-]?[0-9]+)?")
_FIRST: Final = 64
_TRUTHS: Final = frozenset(("true", "false"))


@dataclass(frozen=True, eq=False)
class Names:
    """The different labels, categories or groups of one column.

    Attributes:
        cells: The different cells, as text.
        of_cells: The name of each.
        counts: How often each name occurs, the most frequent first, equally frequent ones by name.
        truths: Cells that are words for yes or no.
        are_moments: Whether all names are dates or moments.
        are_clocks: Whether all names are times of day.
        words: How often words occur that are read as missing, such as ``NA``.
    """

    cells: pl.Series
    of_cells: pl.Series
    counts: dict[str, int]
    truths: int = 0
    are_moments: bool = False
    are_clocks: bool = False
    words: dict[str, int] = field(default_factory=dict)

    @property
    def distinct(self) -> int:
        """How many names there are."""
        return len(self.counts)

    def moments_differ(self) -> bool:
        """Whether names that are moments differ as numbers: those of nanoseconds may not."""
        cells = self.cells.to_frame("cell")
        return cells.select(days(moments(pl.col("cell")))).to_series().n_unique() > 1

    def codes(self, labels: Sequence[str]) -> tuple[pl.Series, pl.Series]:
        """The cells that bear one of some names, and the place of that name for each."""
        places = pl.DataFrame({"name": list(labels), "place": range(len(labels))})
        both = pl.DataFrame({"cell": self.cells, "name": self.of_cells})
        found = both.join(places, on="name", how="inner", maintain_order="left")
        return found["cell"], found["place"].cast(pl.Float64)


def names_in(
    table: Table, columns: Sequence[str], named: Mapping[str, Collection[str]] | None = None
) -> dict[str, Names]:
    """The names that stand in columns; one pass over the table.

    Args:
        table: The table.
        columns: Which columns.
        named: For columns of which some labels are known: these labels, which are none of the words
            for "missing" then.
    """
    if not columns:
        return {}
    wanted = {name: _Wanted.of(table, name, named or {}) for name in columns}
    cache = cast("dict[_Wanted, Names]", table.found)
    if new := [one for one in dict.fromkeys(wanted.values()) if one not in cache]:
        found = table.collect(*(each for one in new for each in _counted(one)))
        cache |= {one: _names(*(found[key].item() for key in one.keys)) for one in new}
    return {name: cache[one] for name, one in wanted.items()}


def named_plainly(table: Table, column: str, argument: str) -> Names:
    """The names in a column of names, of which none may be a word for "missing".

    Args:
        table: The table.
        column: The column.
        argument: The argument that it came from, for messages.

    Raises:
        InputError: If a cell holds such a word: it may be a name, or the lack of one.
    """
    names = names_in(table, [column])[column]
    if names.words:
        raise InputError(
            f"{quoted(column)} must hold names that do not mean missing",
            argument=argument,
            got=f"{listed(names.words)} in {counted(sum(names.words.values()), 'row')}",
            remedy="write the name in another way, or leave cells without one empty",
        )
    return names


def row_names(table: Table, column: str) -> pl.Series:
    """The name in each row of a column; null where there is none."""
    names, cells = names_in(table, [column])[column], table.column(column).text()
    if not names.cells.equals(names.of_cells):
        cells = cells.replace_strict(names.cells, names.of_cells, default=None)
    return table.collect(cells.alias("name")).to_series()


def identifiers_among(table: Table, columns: Sequence[str]) -> set[str]:
    """Columns of text, neither numbers nor dates, that tell more than half of the rows apart.

    Args:
        table: The table.
        columns: Which columns.
    """
    texts = {name: cells for name in columns if (cells := table.column(name)).form == "text"}
    if not texts:
        return set()
    start = table.frame.head(_FIRST).select(
        pl.concat_list(cells.number(), cells.moment(), cells.clock()).list.max().count().alias(name)
        for name, cells in texts.items()
    )
    plain = start.collect().row(0, named=True)
    wordy = {name: cells for name, cells in texts.items() if plain[name] == 0}
    if not wordy:
        return set()
    found = table.collect(*(pl.n_unique(c.key).alias(n) for n, c in wordy.items()))
    return {name for name in wordy if found[name].item() > max(_FIRST, table.n_rows / 2)}


def name_of(value: float) -> str:
    """The name of a number: ``1``, not ``1.0``.

    Example:
        >>> name_of(1.0), name_of(-0.5)
        ('1', '-0.5')
    """
    return str(int(value)) if value.is_integer() and abs(value) < LARGEST_EXACT else repr(value)


class _Wanted(NamedTuple):
    """A column, and the words for "missing" that are labels in it."""

    column: Column
    labels: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, name: str, named: Mapping[str, Collection[str]]) -> "_Wanted":
        known = named.get(name, ())
        return cls(table.column(name), tuple(word for word in MISSING if word in known))

    @property
    def keys(self) -> tuple[str, str, str]:
        key = self.column.key
        return key, f"{key} truths", f"{key} words"


def _counted(wanted: _Wanted) -> list[pl.Expr]:
    column, named = wanted
    labels, words = column.text(named).drop_nulls(), column.words(named)
    counts = [each.alias("cell").value_counts(name="n").implode() for each in (labels, words)]
    key, of_truths, of_words = wanted.keys
    return [
        counts[0].alias(key),
        column.truth().count().alias(of_truths),
        counts[1].alias(of_words),
    ]


def _names(labels: pl.Series, truths: int, words: pl.Series) -> Names:
    frame = labels.struct.unnest()
    cells = frame["cell"]
    of_cells, are_moments = _canonical(cells)
    frame = pl.DataFrame({"name": of_cells, "n": frame["n"]}).group_by("name").agg(pl.sum("n"))
    # Ties in the order of the names, so that the same table gives the same classes every time.
    ordered = frame.sort(["n", "name"], descending=[True, False])
    return Names(
        cells,
        of_cells,
        dict(ordered.iter_rows()),
        truths,
        are_moments,
        not are_moments and _all(cells, clocks(pl.col("cell"))),
        dict(words.struct.unnest().sort("cell").iter_rows()),
    )


def _canonical(cells: pl.Series) -> tuple[pl.Series, bool]:
    """The names of cells, and whether they are moments."""
    if len(cells) <= 4 and all(cell.lower() in _TRUTHS for cell in cells):
        return cells.str.to_lowercase(), False
    if cells.str.contains(_WHOLE).all():
        return cells, False
    if _all(cells, pl.col("cell").cast(pl.Float64, strict=False)):
        names = [_number_name(cell) for cell in cells]
        # One cell that no program writes so, such as 01 or 1.10, and all are codes.
        codes = None in names
        return cells if codes else pl.Series("cell", names, dtype=pl.String), False
    if _all(cells, moments(pl.col("cell"))):
        return cells.to_frame("cell").select(moment_names(pl.col("cell"))).to_series(), True
    return cells, False


def _all(cells: pl.Series, reading: pl.Expr) -> bool:
    """Whether every cell can be read in a way; the first few are tried alone to save the rest."""
    return len(cells) > 0 and all(
        some.to_frame("cell").select(reading).to_series().null_count() == 0
        for some in (cells.head(8), cells)
    )


def _number_name(cell: str) -> str | None:
    """The name of a number that is spelt as programs write numbers; else None."""
    if _WHOLE_CELL.fullmatch(cell):
        return cell
    found = _FRACTION.fullmatch(cell)
    if not found or (found[1] not in (None, "0") and found[1].endswith("0")):
        return None
    value = float(cell)
    return name_of(value) if Decimal(cell) == Decimal(repr(value)) else None
