from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ramify._core import InputError
from ramify.data import Inferred, infer_schema, open_table, read_targets, standardised
from ramify.tasks import Binary, Kind, Multiclass, Regression, Task, TaskSet


def inferred(values: list[object], kinds: Mapping[str, str] | None = None) -> Inferred:
    frame = pl.DataFrame({"x": range(len(values)), "y": values}, strict=False)
    return infer_schema(open_table(frame), ["y"], kinds=kinds)


def kind(values: list[object], wanted: str | None = None) -> Kind:
    found: Kind = inferred(values, {"y": wanted} if wanted else None).tasks[0].kind
    return found


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([1, 0, None, 1], ("0", "1")),
        (["1.0", "0", "", "1", "0.0"], ("0", "1")),
        ([1, -1, -1, 1], ("-1", "1")),
        ([7.5, 2.5, 7.5], ("2.5", "7.5")),
        ([True, False, None], ("false", "true")),
        (["True", "False", "NA"], ("false", "true")),
        (["TRUE", "true", "FALSE", "true"], ("false", "true")),
        (["YES", "yes", "NO", "yes"], ("NO", "yes")),
        (["yes", "no"], ("no", "yes")),
        (["active", "inactive"], ("inactive", "active")),
        (["positive", "negative"], ("negative", "positive")),
        (["dog", "cat"], ("cat", "dog")),
    ],
)
def test_two_values_are_binary_with_the_positive_one_second(
    values: list[object], classes: tuple[str, str]
) -> None:
    assert kind(values) == Binary(classes)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([2, 0, 1, 1, 0, 2], ("0", "1", "2")),
        ([10, 9, 11, 9, 10, 11], ("9", "10", "11")),
        (["b", "a", "c", "b", "a", "c", None], ("a", "b", "c")),
        (["10", "9", "x", "10", "9", "x"], ("9", "10", "x")),
    ],
)
def test_texts_and_few_integers_are_multiclass(
    values: list[object], classes: tuple[str, ...]
) -> None:
    assert kind(values) == Multiclass(classes)


@pytest.mark.parametrize(
    "values", [[0.5, 1.5, 2.5], list(range(11)) * 4, [1, 2, 3], [1.5, None, 2, 2, 3, 3]]
)
def test_other_numbers_are_regression(values: list[object]) -> None:
    assert kind(values) == Regression()


def test_the_kind_can_be_chosen() -> None:
    assert kind([0, 1, 1, 0], "regression") == Regression()
    assert kind([0, 1, 1, 0], "multiclass") == Multiclass(("0", "1"))
    assert kind([float(i % 20) for i in range(60)], "multiclass").n_outputs == 20


@pytest.mark.parametrize(
    ("values", "wanted", "message"),
    [
        ([0, 1, 2, 0, 1, 2], "binary", "binary target 'y' must have two different labels"),
        (["1_0", "2", "3_0", "2"], "regression", "must hold numbers. Got '1_0'"),
        (["a", "b", "a"], "regression", "regression target 'y' must hold numbers. Got 'a'"),
        (
            [1, 1, 1],
            "multiclass",
            "multiclass target 'y' must have two or more different labels. Got '1'",
        ),
        ([0, 1], "order", "`kinds` of 'y' must be binary, multiclass, ordinal, ranking or regr"),
        (
            [i / 7 for i in range(9)],
            "multiclass",
            "must have at most 4 classes for 9 labels. Got 9",
        ),
    ],
)
def test_an_impossible_kind_is_refused(values: list[object], wanted: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        kind(values, wanted)


def test_a_kind_for_no_target_is_refused() -> None:
    with pytest.raises(InputError, match=r"`kinds` must name targets\. 'z' are none of 'y'"):
        inferred([0, 1], {"z": "binary"})


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(InputError, match="must have at most 10 classes for 20 labels"):
        kind([f"c{i}" for i in range(20)])
    with pytest.raises(InputError, match="at most 1,000 classes for 3,003 labels"):
        kind([f"c{i % 1001}" for i in range(3003)])


@pytest.mark.parametrize(
    ("label", "classes"),
    [
        (0, ("0", "1")),
        (1, ("0", "1")),
        (-1, ("-1", "1")),
        (5, ("0", "5")),
        ("yes", ("no", "yes")),
        ("inactive", ("inactive", "active")),
        (True, ("false", "true")),
    ],
)
def test_one_class_is_binary_with_a_warning(label: object, classes: tuple[str, str]) -> None:
    found = inferred([label, label, None])
    assert found.tasks[0].kind == Binary(classes)
    assert "all labels of target 'y' are" in found.warnings[0]


def test_one_class_of_any_text_gets_a_counterpart() -> None:
    classes = inferred(["cat", "cat"]).tasks[0].kind
    assert isinstance(classes, Binary)
    assert set(classes.classes) == {"cat", "not cat"}


def test_an_empty_target_is_kept_with_a_warning() -> None:
    frame = pl.DataFrame({"x": [1, 2], "y": [0, 1], "z": [None, None]})
    table = open_table(frame)
    found = infer_schema(table, ["y", "z"])
    assert found.warnings == ["target 'z' has no label; it is kept, but not learned or scored"]
    assert_array_equal(read_targets(table, found.tasks)[1], [[True, False]] * 2)


def test_no_label_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match=r"at least one target must have labels\. 'y' are empty"):
        inferred([None, None])


def test_a_text_among_numbers_is_named_and_a_kind_proposed() -> None:
    values: list[object] = [str(i / 3) for i in range(30)]
    values[4] = "n.d."
    with pytest.raises(
        InputError, match=r"Data row 5 has 'n\.d\.'; make it empty or make .* `kinds`"
    ):
        kind(values)


def test_an_infinite_label_is_named() -> None:
    with pytest.raises(InputError, match=r"'y' must hold finite numbers\. Data row 2 has"):
        kind([0.5, np.inf, 1.5])


def test_labels_are_read_as_codes_with_a_mask() -> None:
    frame = pl.DataFrame(
        {
            "b": ["yes", "?", "no", "yes"],
            "m": ["w", "v", None, "u"],
            "i": ["3", " 2 ", "1.0", "NA"],
            "r": [0.5, None, 1.5, 2.5],
        }
    )
    tasks = TaskSet(
        [
            Task("b", Binary(("no", "yes"))),
            Task("m", Multiclass(("u", "v", "w"))),
            Task("i", Multiclass(("1", "2", "3"))),
            Task("r", Regression()),
        ]
    )
    targets, label_mask = read_targets(open_table(frame), tasks)
    assert targets.dtype == np.float64
    expected = [[1, 2, 2, 0.5], [0, 1, 1, 0], [0, 0, 0, 1.5], [1, 0, 0, 2.5]]
    assert_array_equal(targets, expected)
    mask = [[1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1]]
    assert_array_equal(label_mask, np.array(mask, dtype=bool))


def test_an_unknown_label_is_named() -> None:
    table = open_table(pl.DataFrame({"y": ["0", "1", "2"]}))
    with pytest.raises(InputError, match=r"target 'y' must hold '0', '1' or be empty\. Data row 3"):
        read_targets(table, TaskSet([Task("y", Binary())]))
    with pytest.raises(InputError, match="Data row 1 has '0'"):
        read_targets(table, TaskSet([Task("y", Multiclass(("a", "b")))]))
    with pytest.raises(InputError, match="has no column 'z'"):
        read_targets(table, TaskSet([Task("z", Binary())]))


def test_regression_is_standardised_by_the_training_labels_alone() -> None:
    targets = np.array([[1, 1], [3, 1], [100, 0], [0, 1]])
    label_mask = np.array([[1, 1], [1, 1], [1, 1], [0, 1]], dtype=bool)
    tasks = TaskSet([Task("r", Regression(), 2.0), Task("s", Regression())])
    found = standardised(tasks, targets, label_mask, np.array([0, 1, 3]))
    assert found[0] == Task("r", Regression(2.0, 1.0), 2.0)


def test_classes_get_their_share_of_the_training_labels() -> None:
    targets = np.array([[1, 0], [1, 2], [0, 0], [1, 0], [0, 1]])
    label_mask = np.ones((5, 2), dtype=bool)
    label_mask[2, 0] = False
    tasks = TaskSet([Task("b", Binary()), Task("m", Multiclass(("u", "v", "w")))])
    found = standardised(tasks, targets, label_mask, np.arange(4))
    assert found[0].kind == Binary(rate=3.5 / 4)
    assert found[1].kind == Multiclass(("u", "v", "w"), (3.5 / 5.5, 0.5 / 5.5, 1.5 / 5.5))
    assert [task.varies for task in found] == [False, True]


@pytest.mark.parametrize("label", [0.0, 0.1, -1e30, 3e38])
def test_equal_labels_have_unit_scale(label: float) -> None:
    targets = np.full((5, 1), label)
    tasks = TaskSet([Task("r", Regression())])
    task = standardised(tasks, targets, np.ones((5, 1), dtype=bool), np.arange(5))[0]
    found = task.kind
    assert not task.varies
    assert isinstance(found, Regression)
    assert_allclose(found.location, label, rtol=1e-6)
    assert found.scale == 1.0


def test_a_task_without_training_labels_stays_as_it_is() -> None:
    tasks = TaskSet([Task("r", Regression())])
    mask = np.zeros((2, 1), dtype=bool)
    assert standardised(tasks, np.ones((2, 1)), mask, np.arange(2)) == tasks
