"""The different values of a column: how often each text or number occurs."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ramify.data._cells import Column
from ramify.data._profile import MOST_VALUES, Profile
from ramify.data._table import Table


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
