"""Task grouping: planted groups, moves that only lower the objective, and the limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.unit.linear._alternating import Stacked, orthonormal, rows_of, shared

from ramify._core import InputError
from ramify.linear import FeatureLearning, TaskGrouping, TaskGroupingClassifier
from ramify.linear.losses._objective import LabelledRows, Objective
from ramify.linear.losses._pointwise import LOSSES
from ramify.linear.penalties._spectral import GroupedTraceNorm
from ramify.linear.solvers._group_search import GroupSearch, in_order_of_appearance, moved_groups
from ramify.linear.solvers._solution import Control


def two_subspaces(seed: int, n_tasks: int = 16) -> tuple[Stacked, list[int]]:
    """Tasks of unit length in two planes at right angles."""
    rng = np.random.default_rng(seed)
    groups = in_order_of_appearance(rng.permutation(np.arange(n_tasks) % 2))
    planes = orthonormal(4, 10, rng).reshape(2, 2, 10)
    coef = np.stack([rng.normal(size=2) @ planes[group] for group in groups])
    coef /= np.linalg.norm(coef, axis=1, keepdims=True)
    return rows_of(coef, seed), groups.tolist()


def test_planted_groups_are_found_in_twenty_draws() -> None:
    for seed in range(20):
        data, groups = two_subspaces(seed)
        model = TaskGrouping(0.03).fit(data.X, data.y, task=data.task)
        assert model.groups_.tolist() == groups
        assert_allclose(model.task_affinity_, np.equal.outer(groups, groups))


def test_planted_groups_of_classifiers_are_found() -> None:
    rng = np.random.default_rng(0)
    groups = [0, 1] * 4
    directions = orthonormal(2, 6, rng)
    coef = 5 * directions[groups] * rng.choice([-1, 1], size=(8, 1))
    data = rows_of(coef, 0, n_rows=60)
    model = TaskGroupingClassifier(0.01).fit(data.X, data.y > 1, task=data.task)
    assert model.groups_.tolist() == groups


def test_one_group_is_feature_learning() -> None:
    X, Y = shared()
    model = TaskGrouping(0.1, n_groups=1, tol=1e-9).fit(X, Y)
    assert_allclose(model.coef_, FeatureLearning(0.1, tol=1e-9).fit(X, Y).coef_, atol=1e-6)
    assert model.groups_.tolist() == [0] * 5


def test_a_group_per_task_is_ridge() -> None:
    X, Y = shared()
    model = TaskGrouping(0.1, n_groups=9, tol=1e-10).fit(X, Y)
    centred, labels = X - X.mean(axis=0), Y - Y.mean(axis=0)
    system = centred.T @ centred / len(X) + 0.1 * np.eye(X.shape[1])
    alone = np.linalg.solve(system, centred.T @ labels / len(X)).T
    objective = ((centred @ model.coef_.T - labels) ** 2).sum() / (2 * len(X))
    objective += GroupedTraceNorm(0.1, model.groups_).value(model.coef_)
    least = ((centred @ alone.T - labels) ** 2).sum() / (2 * len(X)) + 0.05 * (alone**2).sum()
    assert_allclose(objective, least, rtol=1e-4)


def test_moves_of_tasks_never_raise_the_penalty() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        coef, groups = rng.normal(size=(8, 3)), rng.integers(3, size=8)
        before = GroupedTraceNorm(1.0, groups).value(coef)
        moved = moved_groups(coef, groups, 3)
        after = GroupedTraceNorm(1.0, moved).value(coef)
        assert after < before or (moved == groups).all()


def test_every_task_moves_to_where_the_penalty_is_least() -> None:
    n_moved = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        coef, groups = rng.normal(size=(8, 5)) * rng.uniform(0.2, 3, size=(8, 1)), np.arange(8) % 3
        expected = groups.copy()
        for task in range(8):
            tried = np.tile(expected, (3, 1))
            tried[:, task] = range(3)
            expected = tried[np.argmin([GroupedTraceNorm(1.0, each).value(coef) for each in tried])]
        n_moved += int((expected != groups).sum())
        assert moved_groups(coef, groups, 3).tolist() == expected.tolist()
    assert n_moved > 20


def test_moves_see_only_the_span_of_the_tasks() -> None:
    rng = np.random.default_rng(0)
    coef, groups = rng.normal(size=(8, 3)), rng.integers(3, size=8)
    wide = coef @ orthonormal(3, 4000, rng)
    assert moved_groups(wide, groups, 3).tolist() == moved_groups(coef, groups, 3).tolist()


def test_a_search_from_wrong_groups_ends_lower_and_at_the_planted_ones() -> None:
    data, groups = two_subspaces(0)
    wrong = np.array(groups)
    wrong[[2, 5]] = 1 - wrong[[2, 5]]
    n_tasks, n_rows = len(groups), len(data.y) // len(groups)
    objective = Objective([LOSSES["squared"]] * n_tasks, np.ones(n_tasks), True, True)
    counts = np.full(n_tasks, n_rows)
    rows = LabelledRows(data.X, data.y, np.ones(len(data.y)), np.arange(len(data.y)), counts)
    loss = objective.loss_of(rows).condensed()
    search = GroupSearch(loss, 0.03, 2, Control(1e-6, 5000), None)
    start = search.fitted(wrong, search._together, Control(1e-6, 5000))
    found = search.from_groups(wrong, search._together)
    assert found.groups.tolist() == groups
    assert found.objective < start.objective
    penalty = GroupedTraceNorm(0.03, found.groups)
    coef = found.solution.coef
    assert_allclose(found.objective, loss.value(coef) + penalty.value(coef))


def test_the_best_of_more_starts_is_no_worse() -> None:
    data, _ = two_subspaces(3)

    def objective(n_init: int) -> float:
        model = TaskGrouping(0.3, n_groups=3, n_init=n_init, random_state=1)
        model.fit(data.X, data.y, task=data.task)
        return _objective(model, data)

    few, many = objective(1), objective(6)
    assert many <= few + 1e-5


def test_the_same_random_state_gives_the_same_groups() -> None:
    data, _ = two_subspaces(1)
    first, second = (
        TaskGrouping(0.1, n_groups=3, random_state=7).fit(data.X, data.y, task=data.task)
        for _ in range(2)
    )
    assert_allclose(first.coef_, second.coef_, rtol=0)
    assert first.groups_.tolist() == second.groups_.tolist()


@pytest.mark.parametrize("name", ["n_groups", "n_init"])
def test_a_count_below_one_is_named(name: str) -> None:
    with pytest.raises(InputError, match=f"`{name}`"):
        TaskGrouping().set_params(**{name: 0}).fit(*shared())


def _objective(model: TaskGrouping, data: Stacked) -> float:
    errors = data.y - model.predict(data.X, task=data.task)
    n_rows = len(data.y) / len(model.coef_)
    penalty = GroupedTraceNorm(model.alpha, model.groups_).value(model.coef_)
    return float((errors**2).sum() / (2 * n_rows)) + penalty
