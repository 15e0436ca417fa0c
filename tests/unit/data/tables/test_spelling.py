"""Names of classes, groups and tasks are what stands in the table, whatever program wrote it."""

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from ramify._core import InputError
from ramify.data import (
    Inferred,
    TableEncoder,
    TableReading,
    TableSchema,
    infer_schema,
    open_table,
    read_features,
    read_targets,
    rows_by_task,
    written_plainly,
)
from ramify.data.tables._spelling import names_in
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Regression

CODES = ["01", "1", "001", "2"]


def named(cells: list[object], dtype: pl.DataType | None = None) -> list[str]:
    table = open_table(pl.DataFrame({"c": pl.Series(cells, dtype=dtype, strict=False)}))
    return sorted(names_in(table, ["c"])["c"].counts)


def inferred(cells: Sequence[object], **kinds: object) -> Inferred:
    frame = pl.DataFrame({"x": range(len(cells)), "y": cells})
    return infer_schema(open_table(frame), ["y"], kinds=kinds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (CODES, ["001", "01", "1", "2"]),
        (["1.1", "1.10", "1.2"], ["1.1", "1.10", "1.2"]),
        (["1.0", "2.0", "0.5"], ["0.5", "1", "2"]),
        (["1", "1.0", "2"], ["1", "2"]),
        (["1.00", "2.00"], ["1.00", "2.00"]),
        (["+1", "1"], ["+1", "1"]),
        (["1e16", "1E+16", "0.00001", "1e-05"], ["1e+16", "1e-05"]),
        (["0.1", "0.1000000000000000055"], ["0.1", "0.1000000000000000055"]),
        (["9007199254740993", "9007199254740992"], ["9007199254740992", "9007199254740993"]),
        (["TRUE", "False", "true"], ["false", "true"]),
        (["Yes", "yes"], ["Yes", "yes"]),
        (["2024-05-01 00:00:00", "2024-05-01"], ["2024-05-01"]),
        (["2024-05-01T10:00:00Z", "2024-05-01T12:00+02:00"], ["2024-05-01T10:00:00"]),
        (["2024-05-01", "soon"], ["2024-05-01", "soon"]),
        (["-0.0", "0.0"], ["0"]),
        ([" a", "a "], ["a"]),
    ],
)
def test_texts_that_programs_write_for_one_thing_have_one_name(
    cells: list[object], names: list[str]
) -> None:
    assert named(cells) == names


def test_names_to_the_last_digit() -> None:
    assert named([2**62 + 1, 2**62 + 2]) == [str(2**62 + 1), str(2**62 + 2)]
    assert named([Decimal("1.10"), Decimal("2.00")], pl.Decimal(10, 2)) == ["1.10", "2.00"]
    assert named([1.0, 0.1 + 0.2]) == ["0.30000000000000004", "1"]


@pytest.mark.parametrize("make", [pl.Series, pd.Categorical], ids=["text", "categorical"])
def test_codes_with_zeros_are_classes_each(make: type) -> None:
    codes = CODES * 5
    table = open_table(pd.DataFrame({"x": range(20), "y": make(codes)}))
    found = infer_schema(table, ["y"])
    assert found.tasks[0].kind == Multiclass(("001", "01", "1", "2"))
    targets, _ = read_targets(table, found.tasks)
    assert_array_equal(targets[:4, 0], [1, 2, 0, 3])


def test_codes_with_zeros_are_categories_and_it_is_said() -> None:
    table = open_table(pl.DataFrame({"code": CODES * 5, "y": [0, 1] * 10}))
    found = infer_schema(table, ["y"])
    assert found.features.features[0].categories == ("001", "01", "1", "2")
    assert found.warnings == [
        "column 'code' has codes with leading zeros and is read as 4 categories"
    ]
    assert_array_equal(read_features(table, found.features)[:4, 0], [1, 2, 0, 3])


def test_codes_are_numbers_for_whoever_says_so() -> None:
    assert inferred(CODES * 5, y="regression").tasks[0].kind == Regression()


def test_levels_may_be_codes_in_any_order() -> None:
    levels = Ordinal(("001", "01", "1", "2"))
    frame = pl.DataFrame({"x": range(20), "y": CODES * 5})
    table = open_table(frame)
    found = infer_schema(table, ["y"], kinds={"y": levels})
    assert found.tasks[0].kind == levels
    assert_array_equal(read_targets(table, found.tasks)[0][:4, 0], [1, 2, 0, 3])


@pytest.mark.parametrize("word", ["None", "NA", "nan", "?"])
def test_a_level_that_is_named_is_one_whatever_its_name(word: str) -> None:
    levels = Ordinal((word, "low", "high"))
    table = open_table(pl.DataFrame({"x": range(20), "y": [word, "low", "high", None, "low"] * 4}))
    found = infer_schema(table, ["y"], kinds={"y": levels})
    assert found.tasks[0].kind == levels
    assert found.warnings == []
    targets, mask = read_targets(table, found.tasks)
    assert_array_equal(targets[:5, 0], [0, 1, 2, 0, 1])
    assert_array_equal(mask[:5, 0], [True, True, True, False, True])


def test_a_class_that_reads_as_missing_is_said() -> None:
    found = inferred(["None", "low", "high"] * 5)
    assert found.tasks[0].kind == Binary(("low", "high"))
    assert found.warnings == [
        "target 'y' has 5 cells with 'None', which is read as missing; name it among the classes "
        "or `levels` of the target if it is one"
    ]


@pytest.mark.parametrize("word", ["NA", "None", "nan"])
def test_a_task_may_not_be_named_missing(word: str) -> None:
    frame = pl.DataFrame({"x": [1, 2, 3], "y": [0, 1, 0], "region": [word, "EU", "AS"]})
    with pytest.raises(
        InputError, match=rf"`task_column` 'region' must .* Got '{word}' in 1 row; "
    ):
        rows_by_task(open_table(frame), ["y"], "region")


@pytest.mark.parametrize(
    "kind",
    [
        Regression(),
        Ranking(),
        Multiclass(("2", "1", "0")),
        Ordinal(("2", "0", "1")),
    ],
)
def test_a_kind_may_be_given_as_such(kind: object) -> None:
    assert inferred([0, 1, 2] * 5, y=kind).tasks[0].kind == kind


def test_classes_of_a_given_kind_are_all_there_are() -> None:
    assert inferred(["a", "b"] * 5, y=Binary(("b", "a"))).tasks[0].kind == Binary(("b", "a"))
    assert inferred(["a", "b"] * 5, y=Binary()).tasks[0].kind == Binary(("a", "b"))
    with pytest.raises(
        InputError, match=r"must hold its classes 'a', 'c' or be empty\. Got 'b'; n"
    ):
        inferred(["a", "b"] * 5, y=Binary(("a", "c")))


def test_decimals_of_python_are_numbers() -> None:
    frame = pd.DataFrame({"x": [Decimal("1.5"), None, Decimal("2.25")] * 3, "y": [0, 1, 0] * 3})
    table = open_table(frame)
    found = infer_schema(table, ["y"])
    assert found.features.features[0].type == "numeric"
    assert read_features(table, found.features)[:, 0][[0, 2]].tolist() == [1.5, 2.25]


@pytest.mark.parametrize(
    ("cells", "values", "words"),
    [
        (["1,5", "2,25", "3,0"], [1.5, 2.25, 3], "numbers with decimal commas: '1,5' is 1.5"),
        (["1.234,5", "2,25", "7"], [1234.5, 2.25, 7], "decimal commas: '1.234,5' is 1234.5"),
        (["1,234.5", "2.25", "-7"], [1234.5, 2.25, -7], "numbers: '1,234.5' is 1234.5"),
        (["1'000", "12'500", "999"], [1000, 12500, 999], '000" is 1000'),
        (["5 %", "7.5 %", "12%"], [5, 7.5, 12], "numbers of '%': '7.5 %' is 7.5"),
        (["$5", "$7.50", "$1,200"], [5, 7.5, 1200], "numbers of '$'"),
        (["1 200,50 €", "3,5 €", "4 €"], [1200.5, 3.5, 4], "decimal commas of '€'"),
        ([">100", "<0.5", "20"], [100, 0.5, 20], "bounds as the number that they name"),
        (["31.12.2024", "1.2.2023", "05.06.2022"], [20088, 19389, 19148], "dates such as"),
        (["12/31/2024", "1/2/2023", "5/6/2022"], [20088, 19359, 19118], "dates such as"),
        (["31.12.24", "1.2.23", "05.06.22"], [20088, 19389, 19148], "dates such as"),
        (["3 May 2024", "14 June 2023", "1 Jan 2020"], [19846, 19522, 18262], "dates such as"),
    ],
)
def test_numbers_and_dates_in_other_notations_are_read_as_such_and_it_is_said(
    cells: list[str], values: list[float], words: str
) -> None:
    frame = pl.DataFrame({"x": cells * 4, "y": [0, 1] * 6})
    table = open_table(frame)
    found = infer_schema(table, ["y"])
    assert read_features(table, found.features)[:3, 0].tolist() == values
    assert len(found.warnings) == 1
    assert words in found.warnings[0]
    again = TableSchema.model_validate_json(found.features.model_dump_json())
    assert read_features(open_table(frame), again)[:3, 0].tolist() == values
    target = infer_schema(written_plainly(table), ["x"], kinds={"x": "regression"})
    assert read_targets(written_plainly(table), target.tasks)[0][:3, 0].tolist() == values


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["03/04/2024", "05/06/2023", "07/08/2022"], "looks like dates .*say `dates`"),
        (["5 mg", "7 g", "12 kg"], "looks like numbers with units"),
    ],
)
def test_what_looks_like_numbers_or_dates_is_no_category_without_a_word(
    cells: list[str], words: str
) -> None:
    found = infer_schema(open_table(pl.DataFrame({"x": cells * 4, "y": [0, 1] * 6})), ["y"])
    assert found.features.features[0].type == "categorical"
    assert re.search(words, found.warnings[0])
    assert re.search(words, inferred([*cells] * 4, y="multiclass").warnings[0])


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1,5", "2.5", "3,25"], "'x' must have one decimal mark. Got '2.5' among decimal commas"),
        (["5 %", "0.5", "7 %"], "'x' must have % in all cells or in none. Got '0.5' among"),
    ],
)
def test_notations_that_cannot_be_told_apart_are_refused(cells: list[str], words: str) -> None:
    frame = pl.DataFrame({"x": cells * 4, "y": [0, 1] * 6})
    with pytest.raises(InputError, match=re.escape(words)):
        infer_schema(open_table(frame), ["y"])
    assert infer_schema(open_table(frame.with_columns(z="y")), ["y"], ignore=["x"])


@pytest.mark.parametrize(
    ("decimal", "separator", "value"), [(None, ",", 1234), (None, ";", 1.234), (",", ",", 1.234)]
)
def test_the_mark_before_three_digits_is_as_the_table_tells(
    tmp_path: Path, decimal: str | None, separator: str, value: float
) -> None:
    path = tmp_path / "t.csv"
    lines = [f'"1,234"{separator}1', f'"5,678"{separator}0'] * 6
    path.write_text("\n".join([f"x{separator}y", *lines]))
    table = open_table(path, reading=TableReading(decimal=decimal))
    found = infer_schema(table, ["y"])
    assert read_features(table, found.features)[0, 0] == value
    assert f"'1,234' is {value}" in found.warnings[0]


def test_points_before_three_digits_divide_groups_beside_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x;z;y\n1.234;1,5;1\n10.500;2,5;0\n" * 1 + "999;3,5;1\n1.000;4,5;0\n" * 3)
    table = open_table(path)
    found = infer_schema(table, ["y"])
    assert read_features(table, found.features)[:3].tolist() == [
        [1234, 1.5],
        [10500, 2.5],
        [999, 3.5],
    ]


def test_dates_in_text_are_dates() -> None:
    frame = pl.DataFrame(
        {
            "day": ["1970-01-11", "1970-01-12", None, "1970-01-13 12:00"],
            "clock": ["0:01", "00:02:00.5", "", "23:00"],
            "y": [0, 1, 0, 1],
        }
    )
    table = open_table(frame)
    found = infer_schema(table, ["y"])
    assert [column.type for column in found.features.features] == ["date", "time"]
    raw = read_features(table, found.features)
    assert_array_equal(raw[[0, 1, 3], 0], [10, 11, 12.5])
    assert_array_equal(raw[[0, 1, 3], 1], [60, 120.5, 82800])
    assert found.warnings == [
        "column 'day' was read as days since 1970",
        "column 'clock' was read as seconds since midnight",
    ]


def test_a_target_of_dates_is_a_number_of_days() -> None:
    cells = [f"1970-01-{i:02d}" for i in range(1, 31)]
    found = inferred(cells)
    assert found.tasks[0].kind == Regression()
    table = open_table(pl.DataFrame({"x": range(30), "y": cells}))
    assert_array_equal(read_targets(table, found.tasks)[0][:, 0], range(30))


def test_a_date_that_is_none_is_named() -> None:
    schema = infer_schema(
        open_table(pl.DataFrame({"d": ["2024-01-01", "2024-01-02"], "y": [0, 1]})), ["y"]
    )
    bad = open_table(pl.DataFrame({"d": ["2024-01-01", "2024-02-30"]}))
    with pytest.raises(
        InputError, match=r"'d' must hold dates such as .* Data row 2 has '2024-02-30'"
    ):
        read_features(bad, schema.features)


def test_models_from_before_dates_still_take_them_as_numbers() -> None:
    table = open_table(pl.DataFrame({"d": [dt.date(1970, 1, 11), dt.date(1970, 1, 13)]}))
    old = infer_schema(open_table(pl.DataFrame({"d": [1, 2], "y": [0, 1]})), ["y"]).features
    old = type(old).model_validate_json(old.model_dump_json(exclude={"version"}))
    assert old.version == 1
    assert_array_equal(read_features(table, old)[:, 0], [10, 12])
    assert TableEncoder(old, 1).schema.version == 1
