"""Rows that each belong to one task become a target column per task."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from ramify import InputError
from ramify.data import infer_schema, open_table, read_targets, rows_by_task

FRAME = pl.DataFrame(
    {
        "x": [1.0, 2.0, 3.0, 4.0, 5.0],
        "score": [7.0, None, 9.0, 1.0, 2.0],
        "passed": ["yes", "no", "yes", "no", None],
        "school": [10, 2, 10, 2, None],
    }
)


def test_each_task_has_the_labels_of_its_rows_only() -> None:
    found = rows_by_task(open_table(FRAME), ["score", "passed"], "school")
    assert found.targets == ("score:2", "score:10", "passed:2", "passed:10")
    schema = infer_schema(
        found.table,
        found.targets[:2],
        ignore=found.targets[2:],
        kinds=dict.fromkeys(found.targets[:2], "regression"),
    )
    assert schema.features.names == ("x",)
    targets, mask = read_targets(found.table, schema.tasks)
    assert_array_equal(
        mask, [[False, True], [False] * 2, [False, True], [True, False], [False] * 2]
    )
    assert_array_equal(targets[mask], np.array([7.0, 9.0, 1.0]))


def test_the_kind_of_a_target_stays() -> None:
    frame = pl.DataFrame({"x": range(6), "y": ["a", "b"] * 3, "t": ["p", "p", "q", "q", "p", "q"]})
    found = rows_by_task(open_table(frame), ["y"], "t")
    tasks = infer_schema(found.table, found.targets).tasks
    assert [task.kind.name for task in tasks] == ["binary", "binary"]


@pytest.mark.parametrize(
    ("targets", "column", "message"),
    [
        (["score"], "score", "must not name a target"),
        (["score"], "nowhere", "`task_column` must .* no column"),
        (["score"], "one", r"from 2 to 10,000 tasks\. Got 1"),
    ],
)
def test_what_does_not_fit_is_said(targets: list[str], column: str, message: str) -> None:
    table = open_table(FRAME.with_columns(one=pl.lit("same")))
    with pytest.raises(InputError, match=message):
        rows_by_task(table, targets, column)


def test_a_new_column_needs_a_new_name() -> None:
    table = open_table(FRAME.with_columns(pl.lit(1).alias("score:2")))
    with pytest.raises(InputError, match="has columns 'score:2' already"):
        rows_by_task(table, ["score"], "school")
