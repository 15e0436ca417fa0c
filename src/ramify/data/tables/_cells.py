"""How a cell is read: what counts as missing, as a number, as yes or no."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import polars as pl

MISSING: Final = ("", "NA", "N/A", "NaN", "NAN", "Nan", "nan", "null", "None", "?")
TRUE_WORDS: Final = ("true", "yes", "t")
FALSE_WORDS: Final = ("false", "no", "f")
LARGEST_FLOAT32: Final = 3.4028234663852886e38

# Types of polars have a metaclass whose text form the shape hook's beartype does not take.
PolarsType: TypeAlias = Any
Form: TypeAlias = Literal["text", "number", "truth"]

_SECONDS_PER_DAY: Final = 86_400
_MICROSECONDS: Final = 1_000_000


def plain(column: pl.Expr, dtype: PolarsType) -> pl.Expr | None:
    """Bring a column to one of three forms: text, number (Float64) or Boolean.

    Dates become days since 1970, durations and times of day seconds.

    Returns:
        None if the column holds lists, structures or bytes, which are none of the three.
    """
    if dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if dtype in (pl.Boolean, pl.Null):
        return column.cast(pl.Boolean)
    return _elapsed(column, dtype) if dtype.is_temporal() else None


def _elapsed(column: pl.Expr, dtype: PolarsType) -> pl.Expr:
    if dtype == pl.Date:
        return column.to_physical().cast(pl.Float64)
    if dtype == pl.Datetime:
        return column.dt.epoch("us").cast(pl.Float64) / (_MICROSECONDS * _SECONDS_PER_DAY)
    if dtype == pl.Time:
        return column.to_physical().cast(pl.Float64) / (_MICROSECONDS * 1000)
    return column.dt.total_microseconds().cast(pl.Float64) / _MICROSECONDS


@dataclass(frozen=True)
class Column:
    """A column in plain form, and the expressions that read it in one way or another.

    Attributes:
        key: Its name in the polars frame, which no user chose: polars takes ``*`` and ``^x$`` for
            patterns.
        form: Whether it is of type String, Float64 or Boolean.
    """

    key: str
    form: Form

    @property
    def is_boolean(self) -> bool:
        """Whether the column's own type is Boolean."""
        return self.form == "truth"

    def present(self) -> pl.Expr:
        """The cells, with null where one is missing, words for "missing" included."""
        column = pl.col(self.key)
        if self.form != "text":
            return column
        stripped = column.str.strip_chars()
        return pl.when(stripped.is_in(MISSING)).then(None).otherwise(stripped).alias(self.key)

    def number(self) -> pl.Expr:
        """The numbers; null where a cell is missing or holds something else."""
        return self.present().cast(pl.Float64, strict=False).fill_nan(None)

    def text(self) -> pl.Expr:
        """The texts; 1.0 reads ``1``, truth values ``true`` and ``false``."""
        column = self.present()
        if self.form != "number":
            return column.cast(pl.String)
        whole = (column == column.round()) & (column.abs() < 2**53)
        integer = column.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.when(whole).then(integer).otherwise(column.cast(pl.String)).alias(self.key)

    def truth(self) -> pl.Expr:
        """1 for yes, 0 for no, null for anything else."""
        column = self.present()
        if self.is_boolean:
            return column.cast(pl.Float64)
        if self.form == "number":
            return pl.when(column.is_in([0.0, 1.0])).then(column).alias(self.key)
        word = column.str.to_lowercase()
        yes, no = word.is_in([*TRUE_WORDS, "1", "1.0"]), word.is_in([*FALSE_WORDS, "0", "0.0"])
        return pl.when(yes).then(1.0).when(no).then(0.0).alias(self.key)

    def simple_number(self) -> pl.Expr:
        """The numbers in a quick way; null wherever a cell is not plainly a number."""
        return pl.col(self.key).cast(pl.Float64, strict=False).fill_nan(None)

    def flagged(self, value: pl.Expr) -> pl.Expr:
        """Float32 values in which +inf marks a cell that holds something else than it should.

        One `numpy.isinf` over a block then finds every bad cell, values beyond float32 included.

        Args:
            value: Null where the cell is missing or not as it should be.
        """
        bad = self.present().is_not_null() & value.is_null()
        marked = pl.when(bad).then(math.inf).otherwise(value)
        return marked.cast(pl.Float32, strict=False).alias(self.key)


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
