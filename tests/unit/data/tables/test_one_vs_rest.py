import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from ramify._core import InputError
from ramify.data import infer_labels, one_vs_rest, open_table, read_targets
from ramify.tasks import Binary


def test_each_class_becomes_a_binary_target_and_missing_stays_missing() -> None:
    frame = pl.DataFrame(
        {"a": [1, 2, 3, 4], "kind": ["cat", "dog", None, "cat"], "b": [0, 1, 0, 1]}
    )
    table, targets = one_vs_rest(open_table(frame), "kind")
    assert targets == ("kind=cat", "kind=dog")
    assert table.columns == ("a", "kind=cat", "kind=dog", "b")
    tasks = infer_labels(table, targets).tasks
    assert all(isinstance(task.kind, Binary) for task in tasks)
    found, label_mask = read_targets(table, tasks)
    assert_array_equal(found, [[1, 0], [0, 1], [0, 0], [1, 0]])
    assert_array_equal(label_mask, [[True] * 2, [True] * 2, [False] * 2, [True] * 2])


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.UInt8, pl.String])
def test_numbers_are_classes_in_their_order(dtype: type[pl.DataType]) -> None:
    frame = pl.DataFrame({"label": [10, 2, 2, 1]}).cast(dtype)
    table, targets = one_vs_rest(open_table(frame), "label")
    assert targets == ("label=1", "label=2", "label=10")
    found, _ = read_targets(table, infer_labels(table, targets).tasks)
    assert_array_equal(found, np.array([[0, 0, 1], [0, 1, 0], [0, 1, 0], [1, 0, 0]]))


def test_every_labelled_row_is_of_exactly_one_class() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"label": rng.integers(0, 7, 500)})
    table, targets = one_vs_rest(open_table(frame), "label")
    found, _ = read_targets(table, infer_labels(table, targets).tasks)
    assert_array_equal(found.sum(axis=1), np.ones(500))
    assert_array_equal(found.argmax(axis=1), frame["label"].to_numpy())


def test_a_column_of_one_class_or_of_numbers_is_refused() -> None:
    table = open_table(pl.DataFrame({"one": ["a"] * 2000, "many": [i / 7 for i in range(2000)]}))
    with pytest.raises(
        InputError, match=r"`one_vs_rest` .* 2 to 1,000 different labels. 'one' has 1$"
    ):
        one_vs_rest(table, "one")
    with pytest.raises(InputError, match=r"'many' has 2,000$"):
        one_vs_rest(table, "many")
    with pytest.raises(InputError, match=r"`one_vs_rest` must .* no column 'none'"):
        one_vs_rest(table, "none")


def test_a_column_that_is_there_already_is_not_replaced() -> None:
    table = open_table(pl.DataFrame({"a": ["x", "y"], "a=x": [0, 1]}))
    with pytest.raises(InputError, match="has columns 'a=x' already"):
        one_vs_rest(table, "a")


def test_two_columns_may_be_divided() -> None:
    frame = pl.DataFrame({"a": ["x", "y", "y"], "b": ["u", "u", "v"]})
    table, first = one_vs_rest(open_table(frame), "a")
    table, second = one_vs_rest(table, "b")
    found, _ = read_targets(table, infer_labels(table, [*first, *second]).tasks)
    assert_array_equal(found, [[1, 0, 1, 0], [0, 1, 1, 0], [0, 1, 0, 1]])
