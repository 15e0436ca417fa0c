"""Divide the rows of a table by a rule, and read a rule from the command line."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64, Shaped
from numpy.typing import NDArray

from ramify._core import InputError, counted, listed, quoted
from ramify.data.tables import Table, check_columns, named_plainly, row_names

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
    """

    train: Int64[np.ndarray, " train"]
    validation: Int64[np.ndarray, " validation"]
    test: Int64[np.ndarray, " test"]
    description: str
    notes: tuple[str, ...] = ()

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


class SplitRule(ABC):
    """Divides the labelled rows of a table."""

    @property
    def column(self) -> str | None:
        """The column that the rule reads, which is then no feature."""
        return None

    @abstractmethod
    def split(self, table: Table, rows: Rows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows.

        Args:
            table: The table.
            rows: Numbers of the rows with at least one label.
            rng: Source of chance.
        """


def check_shares(train: float, validation: float) -> None:
    """Check that each of three sides gets a share.

    Raises:
        InputError: If not.
    """
    if not (train > 0 and validation > 0 and train + validation < 1):
        raise InputError(
            "`train` and `validation` must be shares above 0 with a sum below 1. "
            f"Got {train} and {validation}"
        )


def held_out(n_rows: int, train: float, validation: float) -> tuple[int, int]:
    """Rows to validate and to test on: at least one each, and one is left to train on."""
    n_validation = min(max(1, round(n_rows * validation)), n_rows - 2)
    n_test = min(max(1, round(n_rows * (1 - train - validation))), n_rows - 1 - n_validation)
    return n_validation, n_test


def column_texts(table: Table, column: str) -> Shaped[np.ndarray, " row"]:
    """The names in a column; empty where missing."""
    return row_names(table, column).fill_null("").to_numpy().astype(str)


@dataclass(frozen=True)
class RandomSplit(SplitRule):
    """Rows at random; every side gets at least one.

    Attributes:
        train: Share of the rows to train on.
        validation: Share of the rows to validate on; the rest is for the test.
    """

    train: float = 0.8
    validation: float = 0.1

    def __post_init__(self) -> None:
        """Check the shares."""
        check_shares(self.train, self.validation)

    def split(self, table: Table, rows: Rows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows at random."""
        n_validation, n_test = held_out(len(rows), self.train, self.validation)
        order = rng.permutation(rows)
        validation, test = order[:n_validation], order[n_validation : n_validation + n_test]
        train = order[n_validation + n_test :]
        return Split(np.sort(train), np.sort(validation), np.sort(test), "at random")


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
        check_columns(table.columns, [self.name], "split")
        named_plainly(table, self.name, "split")
        values = column_texts(table, self.name)[rows]
        empty = np.flatnonzero(values == "")
        if len(empty):
            raise InputError(
                f"{quoted(self.name)} must name a group in every labelled row. "
                f"Data row {rows[empty[0]] + 1:,} has none; fill it in",
                argument="split",
            )
        names, group = np.unique(values, return_inverse=True)
        if len(names) < 3:
            raise InputError(
                f"{quoted(self.name)} must name at least 3 groups, one for each side",
                argument="split",
                got=f"{len(names)}",
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
        check_columns(table.columns, [self.name], "split")
        values = column_texts(table, self.name)[rows]
        side = np.array([_SIDES.get(value.lower(), -1) if value else -2 for value in values])
        unknown = sorted(set(values[side == -1]))
        if unknown:
            raise InputError(
                f"{quoted(self.name)} must hold train, validation or test",
                argument="split",
                got=listed(unknown),
            )
        empty = int((side == -2).sum())
        notes = (f"{counted(empty, 'row')} without a side left out",) if empty else ()
        words = f"by column {quoted(self.name)}"
        return Split(rows[side == 0], rows[side == 1], rows[side == 2], words, notes)


_PERCENTAGE = re.compile(r"[0-9]{1,3}(\.[0-9]+)?")


def split_rows(
    spec: SplitRule, table: Table, label_mask: Bool[np.ndarray, "row task"], seed: int
) -> Split:
    """Divide the rows into train, validation and test.

    Rows without any label teach and test nothing; they are left out and counted in the notes.

    Args:
        spec: The rule.
        table: The table.
        label_mask: True where a label was observed.
        seed: The same seed gives the same split.

    Raises:
        InputError: If a side would have no labelled row, or the rule's column does not fit.
    """
    labelled = np.flatnonzero(label_mask.any(axis=1)).astype(np.int64)
    if len(labelled) < 3:
        raise InputError(
            "at least 3 rows must have a label, one each to train, validate and test. "
            f"{quoted(table.name)} has {len(labelled)}; label more rows"
        )
    split = spec.split(table, labelled, np.random.default_rng(seed))
    unlabelled = table.n_rows - len(labelled)
    if not unlabelled:
        return split
    note = f"{counted(unlabelled, 'row')} without any label left out"
    return Split(split.train, split.validation, split.test, split.description, (*split.notes, note))


def parse_split(spec: str) -> SplitRule:
    """Read ``random``, ``random:60/10/30``, ``column:NAME`` or ``group:NAME``.

    The numbers are percentages of the rows to train on, to validate on and to test on.

    Raises:
        InputError: If it is none of them.

    Example:
        >>> parse_split("group:patient")
        GroupSplit(name='patient', train=0.8, validation=0.1)
        >>> parse_split("random:60/10/30")
        RandomSplit(train=0.6, validation=0.1)
    """
    way, colon, name = spec.partition(":")
    if way == "random":
        return RandomSplit(*_shares(spec, name)) if colon else RandomSplit()
    if way == "column" and name:
        return ColumnSplit(name)
    if way == "group" and name:
        return GroupSplit(name)
    raise InputError(
        "must be random, random:TRAIN/VALIDATION/TEST in per cent, column:NAME or group:NAME",
        argument="split",
        got=quoted(spec),
    )


def _shares(spec: str, text: str) -> tuple[float, float]:
    """The first two of three percentages, as shares."""
    found = [float(word) for word in text.split("/") if _PERCENTAGE.fullmatch(word)]
    if len(found) != 3 or text.count("/") != 2 or abs(sum(found) - 100) > 1e-6 or not all(found):
        raise InputError(
            "random:TRAIN/VALIDATION/TEST must have three percentages above 0 that add up to 100, "
            "such as random:60/10/30",
            argument="split",
            got=quoted(spec),
        )
    return found[0] / 100, found[1] / 100
