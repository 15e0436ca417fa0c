import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score
from tests.references import metrics as reference

from ramify.metrics import (
    absence_note,
    accuracy,
    mean_skill,
    rmse,
    roc_auc,
    skills,
    task_scores,
)
from ramify.tasks import Binary, Multiclass, Regression, Task, TaskSet

Array = NDArray[np.float64]
TASKS = TaskSet(
    [
        Task("a", Binary()),
        Task("b", Multiclass(("x", "y", "z"))),
        Task("c", Regression(5.0, 2.0)),
    ]
)


def sample(n: int = 40, *, ties: bool = True, seed: int = 0) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    scores = rng.integers(6, size=n) / 6 if ties else rng.random(n)
    targets = (rng.random(n) < 0.4).astype(np.float64)
    weights = rng.integers(0, 4, size=(3, n)).astype(np.float64)
    return scores, targets, weights


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_roc_auc_equals_counting_pairs_and_scikit_learn(ties: bool, seed: int) -> None:
    scores, targets, weights = sample(ties=ties, seed=seed)
    found = roc_auc(scores, targets, weights)
    for value, line in zip(found, weights, strict=True):
        assert_allclose(value, reference.roc_auc(scores, targets, line))
        assert_allclose(value, roc_auc_score(targets, scores, sample_weight=line))


def test_roc_auc_of_constant_scores_is_one_half() -> None:
    _, targets, weights = sample()
    assert_allclose(roc_auc(np.full(40, 0.3), targets, weights), 0.5)


@pytest.mark.parametrize("targets", [np.zeros(5), np.ones(5), np.zeros(0)])
def test_roc_auc_of_one_class_is_absent(targets: Array) -> None:
    scores, weights = np.linspace(0, 1, len(targets)), np.ones((2, len(targets)))
    assert np.isnan(roc_auc(scores, targets, weights)).all()


def test_roc_auc_is_absent_in_a_draw_without_a_positive() -> None:
    weights = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    found = roc_auc(np.array([0.9, 0.1, 0.2]), np.array([1.0, 0.0, 0.0]), weights)
    assert found[0] == 1
    assert np.isnan(found[1])


def test_accuracy_and_rmse_equal_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 4, size=(3, 30)).astype(np.float64)
    chances, classes = rng.random((30, 4)), rng.integers(4, size=30).astype(np.float64)
    values, targets = rng.standard_normal(30), rng.standard_normal(30)
    for i, line in enumerate(weights):
        hits = accuracy_score(classes, chances.argmax(axis=1), sample_weight=line)
        assert_allclose(accuracy(chances, classes, weights)[i], hits)
        error = mean_squared_error(targets, values, sample_weight=line) ** 0.5
        assert_allclose(rmse(values, targets, weights)[i], error)


def table(n: int = 50) -> tuple[Array, Array, NDArray[np.bool_]]:
    rng = np.random.default_rng(1)
    predictions = rng.random((n, TASKS.n_columns))
    targets = np.stack(
        [rng.integers(2, size=n), rng.integers(3, size=n), 5 + rng.standard_normal(n)], axis=1
    ).astype(np.float64)
    return predictions, targets, rng.random((n, 3)) < 0.7


def test_every_task_is_scored_on_its_own_labels() -> None:
    predictions, targets, mask = table()
    (found,) = task_scores(predictions, targets, mask, TASKS)
    a, b, c = (mask[:, t] for t in range(3))
    expected = [
        float(roc_auc_score(targets[a, 0], predictions[a, 0])),
        float(accuracy_score(targets[b, 1], predictions[b, 1:4].argmax(axis=1))),
        float(mean_squared_error(targets[c, 2], predictions[c, 4]) ** 0.5),
    ]
    assert_allclose(found, np.array(expected))


def test_what_stands_where_there_is_no_label_does_not_matter() -> None:
    predictions, targets, mask = table()
    other = np.where(mask, targets, np.nan)
    assert_allclose(
        task_scores(predictions, other, mask, TASKS), task_scores(predictions, targets, mask, TASKS)
    )


def test_drawing_rows_is_repeating_them() -> None:
    predictions, targets, mask = table()
    times = np.random.default_rng(0).integers(0, 3, size=50)
    rows = np.repeat(np.arange(50), times)
    weighted = task_scores(predictions, targets, mask, TASKS, times[None].astype(np.float64))
    repeated = task_scores(predictions[rows], targets[rows], mask[rows], TASKS)
    assert_allclose(weighted, repeated)


def test_with_all_labels_masked_every_score_is_absent() -> None:
    predictions, targets, mask = table()
    found = task_scores(predictions, targets, np.zeros_like(mask), TASKS)
    assert np.isnan(found).all()
    assert np.isnan(mean_skill(found, TASKS)).all()


def test_an_absent_task_does_not_count_in_the_mean() -> None:
    scores = np.array([[0.8, np.nan, 1.0]])
    assert_allclose(mean_skill(scores, TASKS), np.array([(0.8 + (1 - 1 / 4)) / 2]))


def test_skill_is_one_for_perfect_and_0_for_the_mean() -> None:
    scores = np.array([[1.0, 1.0, 0.0], [0.5, 0.3, 2.0]])
    assert_allclose(skills(scores, TASKS), np.array([[1, 1, 1], [0.5, 0.3, 0]]))


@pytest.mark.parametrize(
    ("task", "targets", "note"),
    [
        (0, [], "no labels on these rows"),
        (0, [1, 1], "labels of one class only on these rows"),
        (0, [0, 1], ""),
        (1, [2, 2], ""),
        (2, [3.5], ""),
        (2, [], "no labels on these rows"),
    ],
)
def test_an_absent_score_is_explained(task: int, targets: list[float], note: str) -> None:
    assert absence_note(TASKS[task], np.array(targets, dtype=np.float64)) == note
