"""Divide the rows of a table by a rule, and read a rule from the command line."""

import re

import numpy as np
from jaxtyping import Bool

from ramify._core import InputError, counted, quoted
from ramify.data._column_split import ColumnSplit
from ramify.data._group_split import GroupSplit
from ramify.data._random_split import RandomSplit
from ramify.data._split import Split
from ramify.data._split_rule import SplitRule
from ramify.data._table import Table

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
        "--split must be random, random:TRAIN/VALIDATION/TEST in per cent, column:NAME or "
        f"group:NAME. Got {quoted(spec)}"
    )


def _shares(spec: str, text: str) -> tuple[float, float]:
    """The first two of three percentages, as shares."""
    found = [float(word) for word in text.split("/") if _PERCENTAGE.fullmatch(word)]
    if len(found) != 3 or text.count("/") != 2 or abs(sum(found) - 100) > 1e-6 or not all(found):
        raise InputError(
            "--split random:TRAIN/VALIDATION/TEST must have three percentages above 0 that add up "
            f"to 100, such as random:60/10/30. Got {quoted(spec)}"
        )
    return found[0] / 100, found[1] / 100
