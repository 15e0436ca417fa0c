"""Divide the rows of a table by a rule, and read a rule from the command line."""

import numpy as np
from jaxtyping import Bool

from ramify._core import InputError, counted, quoted
from ramify.data._column_split import ColumnSplit
from ramify.data._group_split import GroupSplit
from ramify.data._random_split import RandomSplit
from ramify.data._split import Split
from ramify.data._split_rule import SplitRule
from ramify.data._table import Table


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
    """Read ``random``, ``column:NAME`` or ``group:NAME``.

    Raises:
        InputError: If it is none of them.

    Example:
        >>> parse_split("group:patient")
        GroupSplit(name='patient', train=0.8, validation=0.1)
    """
    way, _, name = spec.partition(":")
    if spec == "random":
        return RandomSplit()
    if way == "column" and name:
        return ColumnSplit(name)
    if way == "group" and name:
        return GroupSplit(name)
    raise InputError(f"--split must be random, column:NAME or group:NAME. Got {quoted(spec)}")
