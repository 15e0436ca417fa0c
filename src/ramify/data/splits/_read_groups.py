"""The column that says which rows a ranking compares."""

import numpy as np
from jaxtyping import Int64

from ramify._core import InputError, counted, listed, quoted
from ramify.data.splits._rules import column_texts
from ramify.data.tables import LabelMask, Table, named_plainly
from ramify.tasks import Ranking, TaskSet


def read_groups(
    table: Table, column: str, tasks: TaskSet, label_mask: LabelMask
) -> Int64[np.ndarray, " row"]:
    """Read which group each row belongs to.

    Args:
        table: The table.
        column: The column that names the group.
        tasks: The tasks.
        label_mask: True where a label was observed.

    Returns:
        A number per group. A row without a group is one by itself.

    Raises:
        InputError: If no task is a ranking, or if a row with a label of one has no group, or no
            group has two of them.
    """
    places = list(tasks.of_kind(Ranking))
    if not places:
        raise InputError(
            f"is for ranking tasks. None of {listed(tasks.names)} is one",
            argument="group_column",
            remedy="say which are with `kinds`, or leave it out",
        )
    named_plainly(table, column, "group_column")
    names = column_texts(table, column)
    ranked = label_mask[:, places].any(axis=1)
    nameless = np.flatnonzero(ranked & (names == ""))
    if len(nameless):
        raise InputError(
            f"{quoted(column)} must name a group in every row with a label of a ranking. Data row "
            f"{nameless[0] + 1:,} has none; fill it in",
            argument="group_column",
        )
    found, groups = np.unique(names, return_inverse=True)
    alone = names == ""
    groups[alone] = len(found) + np.arange(int(alone.sum()))
    counts = np.bincount(groups[ranked], minlength=1)
    if counts.max() < 2:
        raise InputError(
            f"{quoted(column)} must put rows together. Each of its "
            f"{counted(int((counts > 0).sum()), 'group')} has one labelled row, so there is nothing "
            "to compare",
            argument="group_column",
        )
    return groups.astype(np.int64)
