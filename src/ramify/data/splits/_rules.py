"""Divide the rows of a table by a rule, and read a rule from a word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Shaped

from ramify._core import InputError, checked, counted, listed, quoted
from ramify.data.splits._split import LabelledRows, Rows, Split, SplitRule
from ramify.data.splits._stratified import Strata
from ramify.data.tables import (
    Table,
    Targets,
    check_columns,
    identifiers_among,
    named_plainly,
    row_names,
)
from ramify.tasks import TaskSet

_PERCENTAGE: Final = re.compile(r"[0-9]{1,3}(\.[0-9]+)?")
_SALT: Final = 0x73706C69
_FEW_COPIES: Final = 2
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


@checked
@dataclass(frozen=True)
class RandomSplit(SplitRule):
    """Rows at random, stratified by labels; every side gets at least one row.

    Rows that are equal in all columns, features and targets, lie on one side.

    Attributes:
        train: Share of the rows to train on.
        validation: Share of the rows to validate on; the rest is for the test.
    """

    train: float = 0.8
    validation: float = 0.1

    def __post_init__(self) -> None:
        """Check the shares."""
        check_shares(self.train, self.validation)

    def split(self, table: Table, labelled: LabelledRows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows at random."""
        sizes = sizes_of(len(labelled.rows), self.train, self.validation)
        n_copies = len(labelled.rows) - len(np.unique(labelled.copies))
        words = "at random, stratified by labels"
        if n_copies:
            equal = "1 row is a copy" if n_copies == 1 else f"{n_copies:,} rows are copies"
            words += f"; {equal} of others and on their side"
        train, validation, test = labelled.divided(sizes, rng)
        units = labelled.units_in(table, labelled.copies) if n_copies else None
        return Split(train, validation, test, words, units=units)


@checked
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

    def split(self, table: Table, labelled: LabelledRows, rng: np.random.Generator) -> Split:
        """Divide the groups of the labelled rows."""
        check_columns(table.columns, [self.name], "split")
        named_plainly(table, self.name, "split")
        names = row_names(table, self.name)
        group = names.rank("dense").fill_null(0).to_numpy()[labelled.rows].astype(np.int64)
        empty = np.flatnonzero(group == 0)
        if len(empty):
            raise InputError(
                f"{quoted(self.name)} must name a group in every labelled row. "
                f"{table.row_words(int(labelled.rows[empty[0]]))} has none; fill it in",
                argument="split",
            )
        n_groups = len(np.unique(group))
        if n_groups < 3:
            raise InputError(
                f"{quoted(self.name)} must name at least 3 groups, one for each side",
                argument="split",
                got=f"{n_groups}",
            )
        sizes = sizes_of(len(labelled.rows), self.train, self.validation)
        words = f"in {n_groups:,} whole groups of column {quoted(self.name)}"
        train, validation, test = labelled.divided(sizes, rng, group)
        return Split(train, validation, test, words, units=labelled.units_in(table, group))


@checked
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

    def split(self, table: Table, labelled: LabelledRows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows as the column says."""
        check_columns(table.columns, [self.name], "split")
        rows = labelled.rows
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


def split_rows(
    spec: SplitRule,
    table: Table,
    label_mask: Bool[np.ndarray, "row task"],
    seed: int,
    *,
    tasks: TaskSet | None = None,
    targets: Targets | None = None,
    equal_in: Sequence[str] = (),
) -> Split:
    """Divide the rows into train, validation and test.

    Rows without any label teach and test nothing; they are left out and counted in the notes.

    Args:
        spec: The rule.
        table: The table.
        label_mask: True where a label was observed.
        seed: The same seed gives the same split.
        tasks: The tasks, so that labels are alike on all sides, not only how many there are.
        targets: What `read_targets` gives, together with `tasks`.
        equal_in: Columns; rows that are equal in all of them are copies. None by default.

    Raises:
        InputError: If a side would have no labelled row, or the rule's column does not fit.
    """
    rows = np.flatnonzero(label_mask.any(axis=1)).astype(np.int64)
    if len(rows) < 3:
        raise InputError(
            "at least 3 rows must have a label, one each to train, validate and test. "
            f"{quoted(table.name)} has {len(rows)}; label more rows"
        )
    strata = (
        Strata.of_presence(label_mask[rows])
        if tasks is None or targets is None
        else Strata.of(tasks, targets[rows], label_mask[rows])
    )
    labelled = LabelledRows(rows, strata, _copies(table, equal_in, rows))
    # Salted: a table that was made by the same generator and seed must not meet its own numbers.
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_SALT,)))
    split = spec.split(table, labelled, rng)
    unlabelled = table.n_rows - len(rows)
    if not unlabelled:
        return split
    note = f"{counted(unlabelled, 'row')} without any label left out"
    return replace(split, notes=(*split.notes, note))


def _copies(table: Table, columns: Sequence[str], rows: Rows) -> Rows:
    """A number per row, the same for rows that are equal in some columns.

    Texts that tell nearly all rows apart are no features, and are left aside. Rows of which so many are
    alike that they are a good part of a side are not taken for copies: few features with few values
    are often equal by chance.
    """
    names = [name for name in columns if name in table.readable]
    aside = identifiers_among(table, names)
    cells = [table.column(name) for name in names if name not in aside]
    if not cells:
        return rows
    parts = [frame.hash_rows(seed=0).to_numpy() for frame in table.batches(cells)]
    _, first, numbers, counts = np.unique(
        np.concatenate(parts)[rows], return_index=True, return_inverse=True, return_counts=True
    )
    # By first rows, not by hashes: these depend on how the table was stored.
    found = first[numbers].astype(np.int64)
    apart = counts[numbers] > max(_FEW_COPIES, len(rows) // 200)
    found[apart] = np.flatnonzero(apart)
    return found


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


def sizes_of(n_rows: int, train: float, validation: float) -> tuple[int, int, int]:
    """Rows to train, to validate and to test on: at least one each."""
    n_validation = min(max(1, round(n_rows * validation)), n_rows - 2)
    n_test = min(max(1, round(n_rows * (1 - train - validation))), n_rows - 1 - n_validation)
    return n_rows - n_validation - n_test, n_validation, n_test


def column_texts(table: Table, column: str) -> Shaped[np.ndarray, " row"]:
    """The names in a column; empty where missing."""
    return row_names(table, column).fill_null("").to_numpy().astype(str)
