"""How a cell is read: what counts as missing, as a number, as yes or no."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import polars as pl

from ramify.data.tables._moments import (
    clocks,
    days,
    duration_seconds,
    moment_text,
    moments,
    seconds,
)
from ramify.data.tables._notation import Notation

MISSING: Final = (
    *("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "NAN", "Nan", "nan", "-nan", "NaT"),
    *("null", "NULL", "None", "?"),
)
TRUE_WORDS: Final = ("true", "yes", "t", "y", "ja", "oui", "wahr", "vrai", "on", "sim", "si", "sí")
FALSE_WORDS: Final = ("false", "no", "f", "n", "nein", "non", "falsch", "faux", "off", "não", "nee")
LARGEST: Final = 1e300  # sums and squares of differences, once scaled, stay within float64
LARGEST_EXACT: Final = 2.0**53  # whole numbers beyond are not all told apart by float64

# Types of polars have a metaclass whose text form the shape hook's beartype does not take.
PolarsType: TypeAlias = Any
Form: TypeAlias = Literal["text", "whole", "number", "truth", "moment", "clock"]


def plain(column: pl.Expr, dtype: PolarsType) -> tuple[pl.Expr, Form] | None:
    """Bring a column to one of six forms, in which nothing is lost that tells two cells apart.

    Returns:
        The column and its form: text, whole numbers, numbers with a fraction, truth values,
        moments (dates too) or times of day. None if it holds lists, structures or bytes.
    """
    if dtype.is_integer():
        return column, "whole"
    if dtype.is_float():
        return column, "number"
    # Decimals as text: they are numbers where numbers are meant, and names to the last digit.
    if dtype.is_decimal() or dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String), "text"
    if dtype in (pl.Boolean, pl.Null):
        return column.cast(pl.Boolean), "truth"
    return _temporal(column, dtype) if dtype.is_temporal() else None


def _temporal(column: pl.Expr, dtype: PolarsType) -> tuple[pl.Expr, Form]:
    if dtype == pl.Time:
        return column, "clock"
    if dtype == pl.Duration:
        return duration_seconds(column), "number"
    if dtype == pl.Date:
        return column.cast(pl.Datetime("us")), "moment"
    if dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column, "moment"


@dataclass(frozen=True)
class Column:
    """A column in plain form, and the expressions that read it in one way or another.

    Attributes:
        key: Its name in the polars frame, which no user chose: polars takes ``*`` and ``^x$`` for
            patterns.
        form: What its cells are.
        notation: How texts write numbers or dates, where not as programs do.
    """

    key: str
    form: Form
    notation: Notation | None = None

    def present(self, named: Collection[str] = ()) -> pl.Expr:
        """The cells, with null where one is missing, words for "missing" included.

        Args:
            named: Texts that are labels here, whatever they mean elsewhere.
        """
        column = pl.col(self.key)
        if self.form != "text":
            return column.fill_nan(None) if self.form == "number" else column
        stripped = column.str.strip_chars()
        missing = [word for word in MISSING if word not in named]
        cell = stripped if self.notation is None else self.notation.plain(stripped)
        return pl.when(stripped.is_in(missing)).then(None).otherwise(cell).alias(self.key)

    def words(self, named: Collection[str] = ()) -> pl.Expr:
        """Only the words that are read as missing, such as ``NA``; empty cells are none.

        Args:
            named: As for `present`.
        """
        if self.form != "text":
            return pl.lit(pl.Series([], dtype=pl.String))
        stripped = pl.col(self.key).str.strip_chars()
        return stripped.filter(stripped.is_in([w for w in MISSING if w and w not in named]))

    def number(self) -> pl.Expr:
        """The numbers, in float64; null where a cell is missing or holds something else."""
        return self._as_number(self.present()).fill_nan(None)

    def simple_number(self) -> pl.Expr:
        """The numbers in a quick way; null or NaN wherever a cell is not plainly a number."""
        return self._as_number(pl.col(self.key)) if self.notation is None else self.number()

    def moment(self) -> pl.Expr:
        """Days since 1970; null where a cell is missing or no date of ISO 8601."""
        return days(moments(self.present())).alias(self.key) if self._is_text else self.number()

    def clock(self) -> pl.Expr:
        """Seconds since midnight; null where a cell is missing or no time of day."""
        return seconds(clocks(self.present())).alias(self.key) if self._is_text else self.number()

    def text(self, named: Collection[str] = ()) -> pl.Expr:
        """The texts; 1.0 reads ``1``, truth values ``true`` and ``false``, dates in ISO 8601.

        Args:
            named: As for `present`.
        """
        column = self.present(named)
        if self.form == "moment":
            return moment_text(column)
        if self.form != "number":
            return column.cast(pl.String)
        exact = (column == column.round()) & (column.abs() < LARGEST_EXACT)
        integer = column.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.when(exact).then(integer).otherwise(column.cast(pl.String)).alias(self.key)

    def truth(self) -> pl.Expr:
        """1 for yes, 0 for no, null for anything else."""
        column = self.present()
        if self.form in ("whole", "number"):
            known = (column == 0) | (column == 1)
            return pl.when(known).then(column.cast(pl.Float64)).alias(self.key)
        if not self._is_text:
            return self.number() if self.form == "truth" else pl.lit(None, pl.Float64)
        word = column.str.to_lowercase()
        yes, no = word.is_in([*TRUE_WORDS, "1", "1.0"]), word.is_in([*FALSE_WORDS, "0", "0.0"])
        return pl.when(yes).then(1.0).when(no).then(0.0).alias(self.key)

    def flagged(self, value: pl.Expr) -> pl.Expr:
        """Values in which +inf marks a cell that holds something else than it should.

        One `numpy.isinf` over a block then finds every bad cell.

        Args:
            value: Null where the cell is missing or not as it should be.
        """
        bad = self.present().is_not_null() & value.is_null()
        return pl.when(bad).then(math.inf).otherwise(value).alias(self.key)

    @property
    def _is_text(self) -> bool:
        return self.form == "text"

    def _as_number(self, column: pl.Expr) -> pl.Expr:
        if self.form == "moment":
            return days(column)
        if self.form == "clock":
            return seconds(column)
        return column.cast(pl.Float64, strict=False)


def decoded(
    frame: pl.DataFrame, fast: Sequence[pl.Expr], careful: Callable[[int], pl.Expr]
) -> pl.DataFrame:
    """Evaluate one expression per column, carefully only where a cell needs care.

    Stripping cells and looking up words for "missing" costs several times the conversion itself,
    and hardly any column has such cells.

    Args:
        frame: A column per expression, in their order, as they stand in the table.
        fast: Null where a cell is empty or not as simple as expected.
        careful: Gives the i-th column in full.
    """
    found = frame.select(fast)
    lost = [
        careful(i)
        for i, (before, after) in enumerate(zip(frame, found, strict=True))
        if after.null_count() > before.null_count()
    ]
    return found.with_columns(frame.select(lost)) if lost else found
