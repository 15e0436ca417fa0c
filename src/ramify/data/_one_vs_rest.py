"""One column of classes as a yes-or-no column per class."""

from dataclasses import replace
from typing import Final, NamedTuple

from ramify._core import InputError, listed, quoted
from ramify.data._cells import Column
from ramify.data._names import check_columns
from ramify.data._read_targets import label_number
from ramify.data._table import Table
from ramify.data._values import text_values

_MOST: Final = 1000


class OneVsRest(NamedTuple):
    """What `one_vs_rest` gives.

    Attributes:
        table: The table with the new columns in place of the old one.
        targets: Names of the new columns.
    """

    table: Table
    targets: tuple[str, ...]


def one_vs_rest(table: Table, column: str) -> OneVsRest:
    """Replace a column of classes by one column per class, ``column=class``: yes or no.

    A missing cell is missing in all of them.

    Args:
        table: The table.
        column: A column with 2 to 1,000 different labels.

    Raises:
        InputError: If it has fewer or more, or the table has a column of a new one's name.

    Example:
        >>> import polars as pl
        >>> from ramify.data import open_table
        >>> frame = pl.DataFrame({"label": [2, 0, None, 2]})
        >>> one_vs_rest(open_table(frame), "label").targets
        ('label=0', 'label=2')
    """
    check_columns(table.columns, [column], "--one-vs-rest")
    cells = table.column(column)
    values = text_values(table, [column])[column]
    if not 2 <= values.distinct <= _MOST:
        raise InputError(
            f"--one-vs-rest must name columns of 2 to {_MOST:,} different labels. "
            f"{quoted(column)} has {values.distinct:,}"
        )
    labels = sorted(values.counts, key=_in_order)
    names = tuple(f"{column}={label}" for label in labels)
    if taken := [name for name in names if name in table.columns]:
        raise InputError(f"{quoted(table.name)} has columns {listed(taken)} already; rename them")
    keys = [f"{cells.key}={i}" for i in range(len(labels))]
    frame = table.frame.with_columns(
        (cells.text() == label).alias(key) for label, key in zip(labels, keys, strict=True)
    )
    place = table.columns.index(column)
    readable = {name: found for name, found in table.readable.items() if name != column}
    readable |= {name: Column(key, "truth") for name, key in zip(names, keys, strict=True)}
    columns = (*table.columns[:place], *names, *table.columns[place + 1 :])
    return OneVsRest(replace(table, columns=columns, frame=frame, readable=readable), names)


def _in_order(label: str) -> tuple[float, str]:
    number = label_number(label)
    return (float("inf") if number is None else number, label)
