from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score
from tests.references import metrics as reference

from ramify.metrics import (
    Estimate,
    absence_note,
    accuracy,
    mean_skill,
    rmse,
    roc_auc,
    skills,
    task_scores,
    weighted_kappa,
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


def sample(n: int = 40, *, ties: bool = True, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    scores = rng.integers(6, size=n) / 6 if ties else rng.random(n)
    return scores, (rng.random(n) < 0.4).astype(np.float64)


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_roc_auc_equals_counting_pairs_and_scikit_learn(ties: bool, seed: int) -> None:
    scores, targets = sample(ties=ties, seed=seed)
    found = roc_auc(scores, targets).value
    assert_allclose(found, reference.roc_auc(scores, targets, np.ones(40)))
    assert_allclose(found, roc_auc_score(targets, scores))


def test_roc_auc_of_constant_scores_is_one_half() -> None:
    _, targets = sample()
    assert_allclose(roc_auc(np.full(40, 0.3), targets).value, 0.5)


@pytest.mark.parametrize("targets", [np.zeros(5), np.ones(5), np.zeros(0)])
def test_roc_auc_of_one_class_is_absent(targets: Array) -> None:
    found = roc_auc(np.linspace(0, 1, len(targets)), targets)
    assert np.isnan([found.value, *found.influence]).all()


def test_of_one_positive_the_spread_is_unknown() -> None:
    found = roc_auc(np.array([0.1, 0.2, 0.3]), np.array([0.0, 0.0, 1.0]))
    assert found.value == 1
    assert np.isnan(found.influence[2])


def test_accuracy_and_rmse_equal_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    chances, classes = rng.random((30, 4)), rng.integers(4, size=30).astype(np.float64)
    values, targets = rng.standard_normal(30), rng.standard_normal(30)
    hits = accuracy_score(classes, chances.argmax(axis=1))
    assert_allclose(accuracy(chances, classes).value, hits)
    error = mean_squared_error(targets, values) ** 0.5
    assert_allclose(rmse(values, targets).value, error)


_RNG = np.random.default_rng(3)
_N = 400
_LEVELS = _RNG.integers(0, 4, _N).astype(np.float64)
_REACHING = np.clip((_LEVELS[:, None] - np.arange(3)) * 0.5 + _RNG.normal(0, 0.4, (_N, 3)), 0, 1)
_YES = (_RNG.random(_N) < 0.3).astype(np.float64)
CASES: dict[str, tuple[Callable[..., Estimate], Array, Array]] = {
    "roc_auc": (roc_auc, (_YES + _RNG.normal(0, 1, _N)).round(1), _YES),
    "accuracy": (accuracy, _RNG.random((_N, 4)), _LEVELS),
    "rmse": (rmse, _RNG.normal(size=_N), _RNG.normal(size=_N)),
    "kappa": (weighted_kappa, -np.sort(-_REACHING, axis=1), _LEVELS),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_leaving_a_row_out_moves_the_score_by_its_influence(
    case: tuple[Callable[..., Estimate], Array, Array],
) -> None:
    score, predictions, targets = case
    found = score(predictions, targets)
    assert abs(found.influence.sum()) < 1e-9
    without = [
        score(np.delete(predictions, i, axis=0), np.delete(targets, i)).value for i in range(_N)
    ]
    moved = (found.value - np.array(without)) * (_N - 1) / _N
    assert_allclose(found.influence, moved, atol=0.02 * np.abs(moved).max())


def table(n: int = 50) -> tuple[Array, Array, NDArray[np.bool_]]:
    rng = np.random.default_rng(1)
    predictions = rng.random((n, TASKS.n_columns))
    targets = np.stack(
        [rng.integers(2, size=n), rng.integers(3, size=n), 5 + rng.standard_normal(n)], axis=1
    ).astype(np.float64)
    return predictions, targets, rng.random((n, 3)) < 0.7


def test_every_task_is_scored_on_its_own_labels() -> None:
    predictions, targets, mask = table()
    found = task_scores(predictions, targets, mask, TASKS).values
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
    plain = task_scores(predictions, targets, mask, TASKS)
    found = task_scores(predictions, other, mask, TASKS)
    assert_allclose(found.values, plain.values)
    assert_allclose(found.influence, plain.influence)


def test_the_influence_stands_at_the_row_and_skills_move_with_the_score() -> None:
    predictions, targets, mask = table()
    found = task_scores(predictions, targets, mask, TASKS)
    assert (found.influence[~mask] == 0).all()
    assert_allclose(found.influence.sum(axis=0), 0, atol=1e-6)
    skill = found.skills()
    assert_allclose(skill.values, skills(found.values[None], TASKS)[0])
    assert_allclose(skill.influence[:, :2], found.influence[:, :2])
    slope = -2 * found.values[2] / 2.0**2
    assert_allclose(skill.influence[:, 2], slope * found.influence[:, 2], rtol=1e-5)


def test_differences_and_means_are_those_of_the_influences() -> None:
    predictions, targets, mask = table()
    ours = task_scores(predictions, targets, mask, TASKS)
    theirs = task_scores(predictions[:, ::-1].copy(), targets, mask, TASKS)
    apart = ours.minus(theirs)
    assert_allclose(apart.values, np.array([1, 1, -1]) * (ours.values - theirs.values))
    gain = ours.gains(theirs).mean()
    assert_allclose(gain.value, (ours.skills().values - theirs.skills().values).mean())
    each = (ours.skills().influence - theirs.skills().influence).mean(axis=1)
    assert_allclose(gain.influence, each, rtol=1e-4, atol=1e-7)


def test_with_all_labels_masked_every_score_is_absent() -> None:
    predictions, targets, mask = table()
    found = task_scores(predictions, targets, np.zeros_like(mask), TASKS)
    assert np.isnan(found.values).all()
    assert np.isnan(found.skills().mean().value)
    assert np.isnan(mean_skill(found.values[None], TASKS)).all()


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
