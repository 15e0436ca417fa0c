import math

import pytest

from ramify._core import InputError
from ramify.tasks import Binary, Multiclass, Regression, Task, TaskSet

TASKS = TaskSet(
    [Task("a", Binary()), Task("b", Multiclass(("x", "y", "z"))), Task("c", Regression())]
)


def test_every_task_has_its_columns_in_turn() -> None:
    assert TASKS.n_columns == 5
    assert TASKS.first_columns == (0, 1, 4)
    assert TASKS.task_of_column == (0, 1, 1, 1, 2)
    assert TASKS.names == ("a", "b", "c")


def test_tasks_are_found_by_kind() -> None:
    assert [TASKS.of_kind(kind) for kind in (Binary, Multiclass, Regression)] == [(0,), (1,), (2,)]


def test_sets_are_equal_if_tasks_and_order_are() -> None:
    again = TaskSet(list(TASKS))
    assert again == TASKS
    assert hash(again) == hash(TASKS)
    assert TaskSet(list(TASKS)[::-1]) != TASKS


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([], "at least one task. Got none"),
        ([Task("a", Binary()), Task("a", Binary())], "different names. Got 'a' repeatedly"),
    ],
)
def test_refuses_no_task_and_repeated_names(tasks: list[Task], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TaskSet(tasks)


@pytest.mark.parametrize("weight", [-1.0, math.inf, math.nan])
def test_refuses_a_weight_out_of_range(weight: float) -> None:
    with pytest.raises(InputError, match="`weight` of task 'a' must be finite and 0 or more"):
        Task("a", Binary(), weight)


def test_whether_labels_vary_is_a_yes_or_no() -> None:
    with pytest.raises(InputError, match=r"`varies` must be True or False\. Got 'no'"):
        Task("a", Binary(), varies="no")  # type: ignore[arg-type]  # on purpose


def test_refuses_a_task_without_a_name() -> None:
    with pytest.raises(InputError, match="non-empty"):
        Task("", Binary())


def test_heads_start_at_the_base_rates() -> None:
    assert Binary(rate=0.5).start_outputs == (0.0,)
    assert Binary(rate=0.1).start_outputs == pytest.approx((math.log(1 / 9),))
    rates = Multiclass(("x", "y"), (0.2, 0.8)).start_outputs
    assert [math.exp(value) for value in rates] == pytest.approx([0.2, 0.8])


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.5, math.nan])
def test_refuses_a_rate_without_finite_log_odds(rate: float) -> None:
    with pytest.raises(InputError, match="`rate` must be above 0 and below 1"):
        Binary(rate=rate)


@pytest.mark.parametrize(
    ("classes", "rates", "message"),
    [
        (("x",), (), "two or more different labels"),
        (("x", "x"), (), "two or more different labels"),
        (("x", "y"), (1.0,), "one per class"),
        (("x", "y"), (1.0, 0.0), "positive"),
    ],
)
def test_refuses_classes_without_a_choice(
    classes: tuple[str, ...], rates: tuple[float, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Multiclass(classes, rates)


@pytest.mark.parametrize(
    ("location", "scale"), [(math.nan, 1.0), (0.0, 0.0), (0.0, -1.0), (0.0, math.inf)]
)
def test_refuses_a_unit_without_an_inverse(location: float, scale: float) -> None:
    with pytest.raises(InputError, match="`location` must be finite and `scale` finite and pos"):
        Regression(location, scale)
