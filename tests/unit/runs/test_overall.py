"""Scores of all tasks together say what papers say, and nothing where there is nothing to say."""

import numpy as np
import pytest

from ramify.runs._overall import overall_scores
from ramify.tasks import Binary, Multiclass, Regression, Task, TaskSet
from ramify.training import Predictions


def predictions(values: np.ndarray, targets: np.ndarray) -> Predictions:
    mask = ~np.isnan(targets)
    return Predictions(values.astype(np.float32), np.nan_to_num(targets).astype(np.float32), mask)


def test_attributes_have_accuracy_and_recall_among_the_ten_highest() -> None:
    tasks = TaskSet([Task(f"a{i}", Binary()) for i in range(12)])
    values = np.tile(np.linspace(0.9, 0.1, 12), (4, 1))
    targets = np.zeros((4, 12))
    targets[:, [0, 11]] = 1
    found = overall_scores(predictions(values, targets), tasks)
    assert found["top-10 recall"] == pytest.approx(0.5)  # always the first, never the last
    assert (
        found["mean accuracy"] == 0.5
    )  # the first, and those from the seventh to the last but one
    assert "mean balanced accuracy" not in found  # no task has both classes


def test_one_vs_rest_tasks_are_a_choice_between_classes() -> None:
    tasks = TaskSet([Task(f"kind={c}", Binary()) for c in "abcd"] + [Task("other", Binary())])
    values = np.array([[0.9, 0.1, 0.2, 0.3, 0.5], [0.4, 0.3, 0.2, 0.1, 0.5]])
    targets = np.array([[1.0, 0, 0, 0, 1], [0, 0, 1, 0, np.nan]])
    found = overall_scores(predictions(values, targets), tasks)
    assert found["top-1 accuracy of kind"] == 0.5
    assert found["top-3 accuracy of kind"] == 1.0
    assert not any("other" in name for name in found)


def test_rows_without_a_whole_set_of_labels_do_not_choose() -> None:
    tasks = TaskSet([Task(f"kind={c}", Binary()) for c in "abc"])
    targets = np.array([[1.0, 0, np.nan], [0, 0, 0]])
    found = overall_scores(predictions(np.full((2, 3), 0.4), targets), tasks)
    assert not any("of kind" in name for name in found)


def test_classes_of_one_task_are_ranked_too() -> None:
    tasks = TaskSet([Task("colour", Multiclass(tuple("abcd")))])
    values = np.array([[0.4, 0.3, 0.2, 0.1]] * 2)
    found = overall_scores(predictions(values, np.array([[2.0], [3.0]])), tasks)
    assert found == {"top-3 accuracy of colour": 0.5}


def test_numbers_have_no_such_score() -> None:
    tasks = TaskSet([Task("size", Regression()), Task("yes", Binary())])
    assert overall_scores(predictions(np.zeros((3, 2)), np.zeros((3, 2))), tasks) == {}
