"""Rows as a column of the table says."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ramify._core import InputError, counted, listed, quoted
from ramify.data._names import check_columns
from ramify.data._split import Rows, Split
from ramify.data._split_rule import SplitRule, column_texts
from ramify.data._table import Table

_SIDES: Final = {
    "train": 0,
    "training": 0,
    "validation": 1,
    "valid": 1,
    "val": 1,
    "dev": 1,
    "test": 2,
    "testing": 2,
}


@dataclass(frozen=True)
class ColumnSplit(SplitRule):
    """Rows as a column says: train, validation (or valid, val, dev) or test.

    Attributes:
        name: The column.
    """

    name: str

    @property
    def column(self) -> str:
        """The column that the rule reads, which is then no feature."""
        return self.name

    def split(self, table: Table, rows: Rows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows as the column says."""
        check_columns(table.columns, [self.name], "--split")
        values = column_texts(table, self.name)[rows]
        side = np.array([_SIDES.get(value.lower(), -1) if value else -2 for value in values])
        unknown = sorted(set(values[side == -1]))
        if unknown:
            raise InputError(
                f"column {quoted(self.name)} of --split must hold train, validation or test. "
                f"Got {listed(unknown)}"
            )
        empty = int((side == -2).sum())
        notes = (f"{counted(empty, 'row')} without a side left out",) if empty else ()
        words = f"by column {quoted(self.name)}"
        return Split(rows[side == 0], rows[side == 1], rows[side == 2], words, notes)
