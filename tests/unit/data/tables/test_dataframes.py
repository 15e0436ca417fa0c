import datetime
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from ramify._core import InputError
from ramify.data import (
    FeatureColumn,
    TableSchema,
    infer_schema,
    open_table,
    read_features,
    read_few,
    read_targets,
)

COLUMNS: dict[str, list[object]] = {
    "number": [1.5, None, 3.0, 4.0, -1.0, 2.0],
    "count": [1, 2, 3, 4, 5, 6],
    "colour": ["red", "blue", None, "red", "blue", "green"],
    "flag": [True, False, True, True, False, False],
    "toxic": [0, 1, None, 1, 0, 1],
    "grade": ["a", "b", "a", None, "b", "a"],
    "level": [0.1, 0.2, None, 4.0, 0.5, 0.7],
}
MAKERS: dict[str, Callable[[dict[str, list[object]]], object]] = {
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
    "pandas": pd.DataFrame,
    "pandas nullable": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "pandas object": lambda columns: pd.DataFrame(columns, dtype=object),
    "pyarrow": pa.table,
}
TARGETS = ["toxic", "grade", "level"]


def read(source: object) -> tuple[object, ...]:
    table = open_table(source)  # type: ignore[arg-type]
    found = infer_schema(table, TARGETS)
    return (
        found.features,
        found.tasks,
        read_features(table, found.features),
        *read_targets(table, found.tasks),
    )


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_dataframe_reads_as_the_csv_does(
    make: Callable[[dict[str, list[object]]], object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    pl.DataFrame(COLUMNS).write_csv(path)
    for expected, found in zip(read(path), read(make(COLUMNS)), strict=True):
        if isinstance(expected, np.ndarray):
            assert_array_equal(found, expected)
        else:
            assert found == expected


def test_parquet_reads_as_the_csv_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    pl.DataFrame(COLUMNS).write_parquet(folder / "t.parquet")
    pl.DataFrame(COLUMNS).write_csv(folder / "t.csv")
    assert_array_equal(read(folder / "t.parquet")[2], read(folder / "t.csv")[2])


def test_dates_become_days_and_durations_seconds() -> None:
    day = datetime.date(1970, 1, 11)
    noon = datetime.datetime(1970, 1, 11, 12)
    frame = pl.DataFrame(
        {
            "date": [day, None, datetime.date(1970, 1, 12)],
            "time": [noon, None, datetime.datetime(1970, 1, 12)],
            "span": [datetime.timedelta(minutes=1), datetime.timedelta(0), None],
            "clock": [datetime.time(0, 1), datetime.time(0), None],
            "y": [0, 1, 0],
        }
    )
    table = open_table(frame)
    found = infer_schema(table, ["y"])
    nan = np.nan
    expected = [[10, 10.5, 60, 60], [nan, nan, 0, 0], [11, 11, nan, nan]]
    assert_array_equal(read_features(table, found.features), np.array(expected))
    assert "column 'date' was read as days since 1970" in found.warnings
    assert "column 'span' was read as seconds" in found.warnings


def test_dates_of_pandas_are_those_of_polars() -> None:
    times = pd.to_datetime(["1970-01-11 12:00", None, "1970-01-12 00:00"])
    frame = pd.DataFrame({"t": times, "u": times.tz_localize("UTC"), "y": [0, 1, 0]})
    table = open_table(frame)
    raw = read_features(table, infer_schema(table, ["y"]).features)
    assert_array_equal(raw[:, 0], np.array([10.5, np.nan, 11]))
    assert_array_equal(raw[:, 1], raw[:, 0])


def test_a_nested_column_must_be_ignored() -> None:
    table = open_table(pl.DataFrame({"l": [[1], [2]], "x": [1, 2], "y": [0, 1]}))
    with pytest.raises(
        InputError, match=r"column 'l' must hold numbers, text .*List.*with `ignore`"
    ):
        infer_schema(table, ["y"])
    assert infer_schema(table, ["y"], ignore=["l"]).features.names == ("x",)


def test_nested_objects_of_pandas_must_be_ignored() -> None:
    table = open_table(pd.DataFrame({"l": [[1], {"a": 2}], "x": [1, 2], "y": [0, 1]}))
    with pytest.raises(InputError, match="column 'l' must hold numbers"):
        infer_schema(table, ["y"])


def test_mixed_objects_of_pandas_are_read_as_text() -> None:
    frame = pd.DataFrame({"x": [1, "a", None, 2.5], "y": [0, 1, 0, 1]})
    assert infer_schema(open_table(frame), ["y"]).features.features[0].categories == (
        "1",
        "2.5",
        "a",
    )


def test_numbered_columns_of_pandas_get_names() -> None:
    assert open_table(pd.DataFrame(np.eye(2))).columns == ("0", "1")


def test_categorical_columns_are_text() -> None:
    frame = pd.DataFrame({"x": pd.Categorical(["a", "b", None, "a"]), "y": [0, 1, 0, 1]})
    assert infer_schema(open_table(frame), ["y"]).features.features[0].categories == ("a", "b")


def test_a_dataframe_without_rows_or_with_repeated_columns_is_refused() -> None:
    with pytest.raises(InputError, match="'a dataframe' has a header only"):
        open_table(pl.DataFrame({"a": []}))
    with pytest.raises(InputError, match="no columns"):
        open_table(pl.DataFrame())
    with pytest.raises(InputError, match=r"must be different\. Got 'a' repeatedly"):
        open_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(InputError, match=r"`table` must be a path, a dataframe .* Got 'list'"):
        open_table([1, 2])  # type: ignore[arg-type]


def test_a_lazy_frame_that_cannot_be_read_gives_one_clear_line() -> None:
    with pytest.raises(InputError, match="'a dataframe' cannot be read as a table"):
        open_table(pl.scan_csv("/nowhere/t.csv"))


FEW: dict[str, list[object]] = {
    "x": [1.5, None, -2.0],
    "n": [1, 2, 3],
    "b": [True, None, False],
    "c": ["a", " b ", "violet"],
    "gap": ["NA", None, "a"],
}
FEW_SCHEMA = TableSchema(
    features=(
        FeatureColumn(name="c", type="categorical", categories=("a", "b")),
        FeatureColumn(name="gap", type="categorical", categories=("a", "b")),
        FeatureColumn(name="x", type="numeric"),
        FeatureColumn(name="n", type="numeric"),
        FeatureColumn(name="b", type="boolean"),
    ),
    version=2,
)


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame], ids=["polars", "pandas"])
def test_a_few_rows_are_read_as_many_are(make: Callable[[object], object]) -> None:
    found = read_few(make(FEW), FEW_SCHEMA)
    assert found is not None
    assert_array_equal(found, read_features(open_table(make(FEW)), FEW_SCHEMA))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "odd",
    [
        {"x": ["1.5", "2", "3"]},
        {"x": [np.inf, 1.0, 2.0]},
        {"x": [True, False, True]},
        {"x": [Decimal(1), None, Decimal(2)]},
        {"b": ["yes", "no", None]},
        {"b": [1, 0, 1]},
        {"c": [1, 2, 3]},
        {"c": [datetime.date(2024, 1, 1)] * 3},
    ],
)
@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame], ids=["polars", "pandas"])
def test_a_few_rows_that_want_care_are_left_to_it(
    make: Callable[[object], object], odd: dict[str, list[object]]
) -> None:
    assert read_few(make(FEW | odd), FEW_SCHEMA) is None
    assert read_few(make({name: column * 9 for name, column in FEW.items()}), FEW_SCHEMA) is None
    without = {name: column for name, column in FEW.items() if name != "n"}
    assert read_few(make(without), FEW_SCHEMA) is None
    assert read_few([1, 2], FEW_SCHEMA) is None
