"""The same table, whatever it comes as, is learned from alike, to the last bit."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from ramify.data import GroupSplit, Table, open_table, rows_by_task, split_rows
from ramify.networks import MLPSpec
from ramify.runs import Options, run_table
from ramify.runs._prepared import Prepared, prepare
from ramify.sharing import HardSharing
from ramify.tasks import Multiclass
from ramify.training import Training

N = 60
BIG = 2**62
COLUMNS: dict[str, pl.Series] = {
    "big": pl.Series([BIG + 2 * (i % 4) + 1 for i in range(N)]),
    "unsigned": pl.Series([2**64 - 1 - (i % 3) for i in range(N)], dtype=pl.UInt64),
    "count": pl.Series([i % 7 for i in range(N)], dtype=pl.Int16),
    "gaps": pl.Series([None if i % 5 == 0 else i % 3 for i in range(N)]),
    "padded": pl.Series([("01", "1", "001", "2")[i % 4] for i in range(N)]),
    "versions": pl.Series([("1.1", "1.10", "1.2")[i % 3] for i in range(N)]),
    "floats": pl.Series([(0.5, 1.0, 1e-5, 1e16)[i % 4] for i in range(N)]),
    "wide": pl.Series([1.7e9 + i / 8 for i in range(N)]),
    "truth": pl.Series([None if i % 11 == 0 else i % 3 == 0 for i in range(N)]),
    "kinds": pl.Series([("x", "y", "z")[i % 3] for i in range(N)], dtype=pl.Categorical),
    "money": pl.Series([Decimal(i % 4) / 4 for i in range(N)], dtype=pl.Decimal(10, 2)),
    "tenths": pl.Series([Decimal(i % 4) for i in range(N)], dtype=pl.Decimal(10, 1)),
    "day": pl.Series([dt.date(2024, 2, 27) + dt.timedelta(days=i % 5) for i in range(N)]),
    "ms": pl.Series([dt.datetime(2024, 1, 1, 8, 0, 0, 1000 * (i % 4)) for i in range(N)]).cast(
        pl.Datetime("ms")
    ),
    "ns": pl.Series([10**18 + i % 4 for i in range(N)]).cast(pl.Datetime("ns")),
    "words": pl.Series([("NA", "EU", None, "AS", "nan", "")[i % 6] for i in range(N)]),
    "none": pl.Series([None] * N, dtype=pl.String),
}
FRAME = pl.DataFrame(COLUMNS).with_columns(
    x=pl.Series([(i * 37 % 60) / 60 for i in range(N)]), y=pl.Series([i * 7 % 2 for i in range(N)])
)


def of_pandas(frame: pl.DataFrame) -> Any:  # noqa: ANN401 - pandas has no types
    # Whole numbers with gaps become floats, as they do where pandas reads a file.
    return frame.to_pandas()


def parquet(frame: pl.DataFrame, folder: Path) -> Path:
    frame.write_parquet(folder / "table.parquet")
    return folder / "table.parquet"


def csv(frame: pl.DataFrame, folder: Path) -> Path:
    frame.write_csv(folder / "table.csv")
    return folder / "table.csv"


def csv_of_pandas(frame: pl.DataFrame, folder: Path) -> Path:
    of_pandas(frame).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


READERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "polars": lambda frame, _: frame,
    "lazy": lambda frame, _: frame.lazy(),
    "arrow": lambda frame, _: frame.to_arrow(),
    "pandas": lambda frame, _: of_pandas(frame),
    "pandas nullable": lambda frame, _: of_pandas(frame).convert_dtypes(),
    "pandas objects": lambda frame, _: pd.DataFrame(frame.to_dict(as_series=False), dtype=object),
    "parquet": parquet,
    "csv": csv,
    "csv of pandas": csv_of_pandas,
}
# A datetime of Python has no nanoseconds to tell.
LOSSY = ("pandas objects", "ns")
OTHERS = [name for name in READERS if name != "csv"]


def options(targets: list[str], **more: Any) -> Options:  # noqa: ANN401
    usual: dict[str, Any] = {
        "sharing": HardSharing(),
        "backbone": MLPSpec((4,)),
        "training": Training(epochs=1),
    }
    return Options(targets=targets, baselines=(), **usual, **more)


def opened(reader: str, frame: pl.DataFrame, folder: Path) -> Table:
    return open_table(READERS[reader](frame, folder))  # type: ignore[arg-type]


def told(prepared: Prepared) -> tuple[Any, ...]:
    info = prepared.info.model_copy(update={"source": ""})
    schema = prepared.inputs.encoder.schema
    return prepared.tasks, schema, info, prepared.warnings, prepared.digest


@pytest.mark.parametrize("reader", OTHERS)
def test_features_are_read_alike(reader: str, tmp_path: Path) -> None:
    first, second = (
        told(prepare(opened(each, FRAME, tmp_path), options(["y"]))) for each in ("csv", reader)
    )
    assert second == first


@pytest.mark.parametrize("reader", OTHERS)
def test_classes_are_named_alike(reader: str, tmp_path: Path) -> None:
    columns = [name for name in COLUMNS if name not in ("none", "wide") and (reader, name) != LOSSY]
    wanted = options(columns, kinds=dict.fromkeys(columns, "multiclass"))
    frame = FRAME.select(*columns, "x")
    first, second = (
        told(prepare(opened(each, frame, tmp_path), wanted)) for each in ("csv", reader)
    )
    assert second == first
    assert [len(task.kind.labels) for task in first[0]] == [distinct(name) for name in columns]


@pytest.mark.parametrize("reader", READERS)
def test_groups_and_tasks_are_named_alike(reader: str, tmp_path: Path) -> None:
    for column in ("big", "unsigned", "padded", "versions", "ns", "day", "gaps"):
        if (reader, column) == LOSSY:
            continue
        filled = pl.col(column).forward_fill().backward_fill()
        frame = FRAME.select(column, "x", "y").with_columns(filled)
        table, n = opened(reader, frame, tmp_path), distinct(column)
        split = split_rows(GroupSplit(column), table, np.ones((N, 1), dtype=np.bool_), seed=0)
        assert f"{n} whole groups" in split.description
        targets = rows_by_task(table, ["y"], column).targets
        assert targets == rows_by_task(opened("csv", frame, tmp_path), ["y"], column).targets
        assert len(targets) == n


@pytest.mark.parametrize("reader", OTHERS)
def test_rows_are_divided_alike_copies_beside_each_other(reader: str, tmp_path: Path) -> None:
    frame = pl.concat([FRAME, FRAME.head(9)]).with_columns(
        id=pl.Series([f"row {i}" for i in range(69)])
    )
    first, second = (
        prepare(opened(each, frame, tmp_path), options(["y"])).split for each in ("csv", reader)
    )
    assert "9 rows are copies of others" in second.description
    for side in ("train", "validation", "test"):
        assert_array_equal(getattr(first, side), getattr(second, side))


@pytest.mark.parametrize("reader", OTHERS)
def test_records_are_the_same_bit_for_bit(reader: str, tmp_path: Path) -> None:
    frame = FRAME.drop("none")
    wanted = options(["y", "padded", "wide"], kinds={"padded": "multiclass"})
    first, second = (
        run_table(opened(each, frame, tmp_path), wanted).record.model_dump(mode="json")
        for each in ("csv", reader)
    )
    for record in (first, second):
        for varying in ("created", "seconds", "command", "versions", "times", "environment"):
            record.pop(varying, None)
        record["data"].pop("source")
    assert json.dumps(without_times(second), sort_keys=True) == json.dumps(
        without_times(first), sort_keys=True
    )


def test_class_names_are_those_in_the_rows(tmp_path: Path) -> None:
    kind = prepare(open_table(csv(FRAME, tmp_path)), options(["big"])).tasks[0].kind
    assert kind == Multiclass(kind.labels, kind.rates)
    assert kind.labels == tuple(str(BIG + 2 * i + 1) for i in range(4))


def distinct(column: str) -> int:
    series = FRAME[column]
    if series.dtype == pl.String:
        series = series.filter(~series.is_in(["NA", "nan", ""]))
    return series.drop_nulls().n_unique()


def without_times(value: object) -> object:
    if isinstance(value, dict):
        return {
            k: without_times(v) for k, v in value.items() if "seconds" not in k and k != "latency"
        }
    return [without_times(each) for each in value] if isinstance(value, list) else value
