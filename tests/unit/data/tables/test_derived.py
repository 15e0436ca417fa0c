"""Columns that a formula computes: read alike from every kind of table, and never run as code."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from ramify._core import InputError
from ramify.data import Table, infer_labels, open_table, read_targets, with_derived

FRAME = pl.DataFrame(
    {"amount": [50.0, 150.5, None, 101.0], "my kind": ["x", "y", "x", None], "n": [1, 2, 3, 4]}
)


@pytest.fixture(params=["csv", "parquet", "frame"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    if request.param == "csv":
        FRAME.write_csv(tmp_path / "t.csv")
        return open_table(tmp_path / "t.csv")
    if request.param == "parquet":
        FRAME.write_parquet(tmp_path / "t.parquet")
        return open_table(tmp_path / "t.parquet")
    return open_table(FRAME)


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ("amount > 100", [False, True, None, True]),
        ("amount > 100 AND n < 3", [False, True, False, False]),
        ("\"my kind\" = 'x'", [True, False, True, None]),
        ("amount / n", [50.0, 75.25, None, 25.25]),
        ("CASE WHEN n > 2 THEN 'late' ELSE 'early' END", ["early", "early", "late", "late"]),
    ],
)
def test_a_formula_gives_a_value_for_each_row(
    table: Table, formula: str, values: list[object]
) -> None:
    derived = with_derived(table, {"new": formula})
    assert derived.columns == (*table.columns, "new")
    assert derived.collect(derived.column("new").present())[:, 0].to_list() == values


def test_a_derived_column_is_a_target_like_any_other(table: Table) -> None:
    derived = with_derived(table, {"twice": "n * 2", "big": "amount > 100"})
    labels = infer_labels(derived, ["twice", "big"], kinds={"twice": "regression"})
    targets, mask = read_targets(derived, labels.tasks)
    assert_array_equal(targets[:, 0], [2, 4, 6, 8])
    assert_array_equal(mask, np.array([[1, 1, 1, 1], [1, 1, 0, 1]]).T.astype(bool))
    some = derived.select(np.array([1, 3]))
    assert some.collect(some.column("twice").number())[:, 0].to_list() == [4, 8]


@pytest.mark.parametrize(
    "formula",
    ["amount >", "__import__('os')", "sum(n)", "3", "amount > 'x'", "other > 1", "n; DROP TABLE n"],
)
def test_what_is_no_formula_is_one_line(table: Table, formula: str) -> None:
    with pytest.raises(InputError, match="`hint`") as error:
        with_derived(table, {"new": formula})
    assert "\n" not in str(error.value)
