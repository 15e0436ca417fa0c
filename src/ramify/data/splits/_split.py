"""The three sides of a split, and what a way of dividing rows gets and gives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from ramify._core import InputError, listed
from ramify.data.splits._stratified import Strata, divide
from ramify.data.tables import Table

Rows = Int64[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows train, which choose, which test; ascending row numbers from 0.

    Attributes:
        train: Rows that the network learns from.
        validation: Rows that decide when to stop and what to keep.
        test: Rows that only the final scores see.
        description: How the rows were divided, in words.
        notes: What a user should know, a sentence each.
        units: For every row of the table a number, the same for rows that must stay together; None
            where each may go alone.
    """

    train: Int64[np.ndarray, " train"]
    validation: Int64[np.ndarray, " validation"]
    test: Int64[np.ndarray, " test"]
    description: str
    notes: tuple[str, ...] = ()
    units: Int64[np.ndarray, " table_row"] | None = None

    def __post_init__(self) -> None:
        """Check that no side is empty."""
        sides = {"train": self.train, "validation": self.validation, "test": self.test}
        empty = [name for name, rows in sides.items() if len(rows) == 0]
        if empty:
            raise InputError(
                f"each of train, validation and test must have at least one labelled row. "
                f"{listed(empty)} got none; label more rows or split in another way"
            )

    @property
    def sizes(self) -> dict[str, int]:
        """Number of rows per side."""
        return {
            "train": len(self.train),
            "validation": len(self.validation),
            "test": len(self.test),
        }


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """The rows that have a label, and what they are labelled with.

    Attributes:
        rows: Their numbers, ascending.
        strata: Their labels.
        copies: A number per row, the same for rows that are equal in all columns.
    """

    rows: Rows
    strata: Strata
    copies: Rows

    def select(self, places: Int64[np.ndarray, " chosen"]) -> "LabelledRows":
        """Some of them, by their places."""
        return LabelledRows(self.rows[places], self.strata.select(places), self.copies[places])

    def units_in(self, table: Table, units: Rows) -> Int64[np.ndarray, " table_row"]:
        """Numbers of these rows among those of the whole table, where others have their own."""
        found = int(units.max(initial=0)) + 1 + np.arange(table.n_rows)
        found[self.rows] = units
        return found

    def divided(
        self, sizes: Sequence[int], rng: np.random.Generator, units: Rows | None = None
    ) -> list[Rows]:
        """Divide the rows at random, so that labels are alike on all sides.

        Args:
            sizes: Rows that each side is to have.
            rng: Source of chance.
            units: A number per row, the same for rows that must stay together; by default copies
                of one row do.

        Returns:
            The rows of each side, ascending.
        """
        if len(self.rows) == 0:
            return [self.rows for _ in sizes]
        chosen = self.copies if units is None else units
        _, numbers = np.unique(chosen, return_inverse=True)
        side = divide(self.strata, numbers.astype(np.int64), sizes, rng)
        return [self.rows[side == place] for place in range(len(sizes))]


class SplitRule(ABC):
    """Divides the labelled rows of a table."""

    @property
    def column(self) -> str | None:
        """The column that the rule reads, which is then no feature."""
        return None

    @abstractmethod
    def split(self, table: Table, labelled: LabelledRows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows.

        Args:
            table: The table.
            labelled: The rows with at least one label; `LabelledRows.divided` divides them so that
                labels are alike on all sides.
            rng: Source of chance.
        """
