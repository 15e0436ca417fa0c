import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from ramify._core import InputError
from ramify.data import (
    FeatureColumn,
    Inferred,
    TableSchema,
    feature_batches,
    infer_schema,
    open_table,
    read_features,
)

N = 20


def inferred(values: list[object], **more: list[object]) -> Inferred:
    n = len(values)
    frame = {"x": values, "spare": list(range(n)), "y": [i % 2 for i in range(n)]}
    return infer_schema(open_table(pl.DataFrame(frame | more, strict=False)), ["y"])


def feature(values: list[object]) -> FeatureColumn:
    return inferred(values).features.features[0]


def test_numbers_with_every_word_for_missing_are_numeric() -> None:
    words = ["", " ", "NA", "N/A", "NaN", "nan", "null", "None", "?", " ? ", None]
    values: list[object] = [*words, "1", " 2.5 ", "-3e2", "+4"]
    found = inferred(values)
    assert found.features.features[0] == FeatureColumn(name="x", type="numeric")
    frame = pl.DataFrame({"x": values, "spare": range(len(values))})
    raw = read_features(open_table(frame), found.features)[:, 0]
    assert_array_equal(raw, np.array([np.nan] * 11 + [1, 2.5, -300, 4]))


@pytest.mark.parametrize(
    "values", [["true", "False", None, "TRUE"], ["yes", "no", "No", ""], ["t", "F", "?", "T"]]
)
def test_words_for_yes_and_no_are_boolean(values: list[object]) -> None:
    assert feature(values).type == "boolean"


def test_a_boolean_column_reads_as_0_and_1() -> None:
    frame = pl.DataFrame({"x": ["yes", "no", None, "yes"], "y": [0, 1, 1, 0]})
    table = open_table(frame)
    raw = read_features(table, infer_schema(table, ["y"]).features)
    assert_array_equal(raw[:, 0], np.array([1, 0, np.nan, 1]))


def test_text_is_categorical_with_the_most_frequent_first() -> None:
    assert feature(["b", "a", "c", "c", "a", "c"]).categories == ("c", "a", "b")


def test_the_64_most_frequent_categories_are_kept() -> None:
    values: list[object] = [*(f"c{i:02d}" for i in range(70) for _ in range(3)), "c69"]
    kept = feature(values).categories
    assert len(kept) == 64
    assert kept[:2] == ("c69", "c00")
    frame = pl.DataFrame({"x": ["c69", "c68", "new", None], "spare": range(4)})
    raw = read_features(open_table(frame), inferred(values).features)[:, 0]
    assert_array_equal(raw, np.array([0, 64, 64, np.nan]))


def test_an_identifier_is_left_out_with_a_warning() -> None:
    found = inferred([f"molecule {i}" for i in range(70)])
    assert found.features.names == ("spare",)
    assert found.left_out == {"x": "text with 70 different values in 70 rows"}
    assert "column 'x' is text with 70 different values" in found.warnings[0]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([None] * N, "all values are missing"),
        (["?"] * N, "all values are missing"),
        ([3] * N, "constant"),
        (["a"] * N, "constant"),
        ([True] * N, "constant"),
    ],
)
def test_a_column_that_tells_nothing_is_left_out(values: list[object], why: str) -> None:
    assert inferred(values).left_out == {"x": why}


def test_a_text_among_numbers_is_named_with_its_row() -> None:
    values: list[object] = [str(i) for i in range(N)]
    values[7] = "high"
    with pytest.raises(
        InputError,
        match=r"column 'x' must hold numbers\. Data row 8 has 'high'; make it empty or leave the column out with `ignore`",
    ):
        inferred(values)


def test_a_few_numbers_among_texts_are_categories() -> None:
    assert feature(["1", "2", "a", "b", "a", "a"]).type == "categorical"


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e305, "inf", "-Infinity", "1e400", "1e305"])
def test_a_number_too_large_to_compute_with_is_named_with_its_row(value: object) -> None:
    values: list[object] = [1.0] * N
    values[3] = value
    if isinstance(value, str):
        values = [*map(str, values)]
    with pytest.raises(InputError, match=r"'x' must hold finite numbers\. Data row 4 has"):
        inferred(values)


def test_the_type_does_not_depend_on_the_first_rows() -> None:
    assert feature([*(str(i % 50) for i in range(500)), *["a"] * 500]).type == "categorical"


def test_no_feature_left_is_an_error() -> None:
    table = open_table(pl.DataFrame({"x": [1, 1], "y": [0, 1]}))
    with pytest.raises(InputError, match=r"at least one feature .*Left out: 'x' \('constant'\)"):
        infer_schema(table, ["y"])
    with pytest.raises(InputError, match="Every column is a target or ignored"):
        infer_schema(table, ["y"], ignore=["x"])


def test_ignored_and_split_columns_are_no_features() -> None:
    frame = pl.DataFrame({"x": [1, 2], "id": ["a", "b"], "side": ["u", "v"], "y": [0, 1]})
    found = infer_schema(open_table(frame), ["y"], ignore=["i*"], split_column="side")
    assert found.features.names == ("x",)
    assert found.left_out == {"id": "ignored on request", "side": "divides the rows"}


def test_roles_must_not_collide() -> None:
    table = open_table(pl.DataFrame({"x": [1, 2], "y": [0, 1]}))
    with pytest.raises(InputError, match=r"`ignore` must not name a target\. Got 'y'"):
        infer_schema(table, ["y"], ignore=["y"])
    with pytest.raises(InputError, match=r"`split` must not name a target\. Got 'y'"):
        infer_schema(table, ["y"], split_column="y")
    with pytest.raises(InputError, match="`targets` must name at least one column"):
        infer_schema(table, [])
    with pytest.raises(InputError, match="`targets` must name columns of the table"):
        infer_schema(table, ["z"])
    with pytest.raises(InputError, match="`targets` must name each column once"):
        infer_schema(table, ["y", "y"])
    with pytest.raises(InputError, match="`ignore` must name columns of the table"):
        infer_schema(table, ["y"], ignore=["z"])


SCHEMA = TableSchema(
    features=(
        FeatureColumn(name="a", type="numeric"),
        FeatureColumn(name="b", type="boolean"),
        FeatureColumn(name="c", type="categorical", categories=("u", "v")),
    )
)


def test_a_schema_survives_json() -> None:
    assert TableSchema.model_validate_json(SCHEMA.model_dump_json()) == SCHEMA


def test_columns_are_found_by_name_whatever_stands_beside_them() -> None:
    frame = pl.DataFrame({"c": ["v", "w"], "more": [1, 2], "b": [0, 1], "a": [None, 2.0]})
    expected = np.array([[np.nan, 0, 1], [2, 1, 2]])
    assert_array_equal(read_features(open_table(frame), SCHEMA), expected)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(
        InputError, match=r"must have the feature columns .* It lacks 'b', 'c'; add"
    ):
        read_features(open_table(pl.DataFrame({"a": [1]})), SCHEMA)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"a": "x"}, "column 'a' must hold numbers. Data row 2 has 'x'"),
        ({"a": "inf"}, "column 'a' must hold finite numbers. Data row 2 has 'inf'"),
        ({"b": "maybe"}, "column 'b' must hold true or false. Data row 2 has 'maybe'"),
    ],
)
def test_a_bad_cell_of_a_new_table_is_named(bad: dict[str, str], message: str) -> None:
    rows = [{"a": "1", "b": "no", "c": "u"}, {"a": "1", "b": "no", "c": "u"} | bad]
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        read_features(open_table(pl.DataFrame(rows)), SCHEMA)


def test_batches_are_the_whole_in_order() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.random(1000), "b": rng.random(1000) > 0.5, "c": ["u"] * 1000})
    table = open_table(frame)
    blocks = list(feature_batches(table, SCHEMA, rows=64))
    assert {len(block) for block in blocks[:-1]} == {64}
    assert_array_equal(np.concatenate(blocks), read_features(table, SCHEMA))
    assert_array_equal(read_features(table, SCHEMA)[:, 0], frame["a"].to_numpy())
