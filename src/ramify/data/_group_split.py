"""Whole groups of rows at random."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError, quoted
from ramify.data._names import check_columns
from ramify.data._split import Rows, Split
from ramify.data._split_rule import SplitRule, check_shares, column_texts, held_out
from ramify.data._table import Table


@dataclass(frozen=True)
class GroupSplit(SplitRule):
    """Whole groups at random: all rows of one patient, molecule or site lie on one side.

    Attributes:
        name: The column that names the group.
        train: Share of the rows to train on, as closely as whole groups allow.
        validation: Share of the rows to validate on.
    """

    name: str
    train: float = 0.8
    validation: float = 0.1

    def __post_init__(self) -> None:
        """Check the shares."""
        check_shares(self.train, self.validation)

    @property
    def column(self) -> str:
        """The column that the rule reads, which is then no feature."""
        return self.name

    def split(self, table: Table, rows: Rows, rng: np.random.Generator) -> Split:
        """Divide the groups of the labelled rows."""
        check_columns(table.columns, [self.name], "--split")
        values = column_texts(table, self.name)[rows]
        empty = np.flatnonzero(values == "")
        if len(empty):
            raise InputError(
                f"column {quoted(self.name)} of --split must name a group in every labelled row. "
                f"Data row {rows[empty[0]] + 1:,} has none; fill it in"
            )
        names, group = np.unique(values, return_inverse=True)
        if len(names) < 3:
            raise InputError(
                f"column {quoted(self.name)} of --split must name at least 3 groups, one for each "
                f"side. Got {len(names)}"
            )
        side = self._sides(np.bincount(group), len(rows), rng)[group]
        words = f"in {len(names):,} whole groups of column {quoted(self.name)}"
        return Split(rows[side == 0], rows[side == 1], rows[side == 2], words)

    def _sides(
        self, sizes: NDArray[np.int64], n_rows: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Give each group to the side that lacks most rows, big groups first."""
        n_validation, n_test = held_out(n_rows, self.train, self.validation)
        lacking = np.array([n_rows - n_validation - n_test, n_validation, n_test], dtype=float)
        shuffled = rng.permutation(len(sizes))
        order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
        sides = np.zeros(len(sizes), dtype=np.int64)
        for place, group in enumerate(order):
            left = len(order) - place
            unused = [s for s in range(3) if s not in sides[order[:place]]]
            choice = unused if left <= len(unused) else range(3)
            side = max(choice, key=lambda s: lacking[s])
            sides[group] = side
            lacking[side] -= sizes[group]
        return sides
