from itertools import pairwise
from math import inf, isfinite

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import grouping as reference

from ramify._core import InputError, ShapeError
from ramify.grouping import SharingPath, StageCost, choose_grouping, sharing_path, tree_of_widths
from ramify.tasks import SharingTree

from ._planted import Array, blocks, in_blocks, noisy

N_TASKS = 6
NAMES = [f"t{i}" for i in range(N_TASKS)]
COSTS = {
    "equal": [StageCost()] * 3,
    "falling": [StageCost(4 / 64), StageCost(2 / 64), StageCost(1 / 64)],
    "rising": [StageCost(1 / 64), StageCost(3 / 64)],
    "capped": [StageCost(max_groups=2), StageCost(max_groups=3)],
    "single": [StageCost()],
}
every_cost = pytest.mark.parametrize("costs", COSTS.values(), ids=COSTS)


def random_affinity(seed: int) -> Array:
    matrix = np.random.default_rng(seed).random((N_TASKS, N_TASKS))
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    return matrix


def inside(path: SharingPath) -> list[tuple[float, SharingTree]]:
    """Values of α inside each interval, with the tree that holds there."""
    found = []
    for step in path.steps:
        high = step.alpha_high if isfinite(step.alpha_high) else 2 * step.alpha_low + 1
        shares = (0.001, 0.5, 0.999)
        found += [(step.alpha_low + s * (high - step.alpha_low), step.tree) for s in shares]
    return found


def tree_at(widening: reference.Widening, costs: list[StageCost], alpha: float) -> SharingTree:
    partitions = widening.partitions(costs, alpha)
    stages = tuple(tuple(tuple(NAMES[i] for i in g) for g in groups) for groups in partitions)
    return SharingTree(tuple(NAMES), stages)


@every_cost
@pytest.mark.parametrize("seed", range(2))
def test_equals_widening_with_an_alpha_inside_each_interval(
    costs: list[StageCost], seed: int
) -> None:
    affinity = random_affinity(seed)
    widening = reference.Widening(affinity)
    for alpha, tree in inside(sharing_path(affinity, NAMES, costs)):
        assert tree_at(widening, costs, alpha) == tree


def test_equals_the_choice_of_one_stage() -> None:
    affinity = random_affinity(0)
    for alpha, tree in inside(sharing_path(affinity, NAMES, [StageCost()]))[1::3]:
        groups = choose_grouping(affinity, alpha=alpha).groups
        assert tree.stages[0] == tuple(tuple(NAMES[i] for i in group) for group in groups)


@every_cost
@pytest.mark.parametrize("seed", range(2, 4))
def test_no_tree_between_the_intervals_is_missed(costs: list[StageCost], seed: int) -> None:
    affinity = random_affinity(seed)
    path, widening = sharing_path(affinity, NAMES, costs), reference.Widening(affinity)
    for alpha in np.geomspace(1e-3, 50, 300):
        assert path.at(float(alpha)).tree == tree_at(widening, costs, float(alpha))


@every_cost
@pytest.mark.parametrize("seed", range(4, 6))
def test_the_intervals_touch_and_cover_all_alphas(costs: list[StageCost], seed: int) -> None:
    steps = sharing_path(random_affinity(seed), NAMES, costs).steps
    assert steps[0].alpha_low == 0
    assert steps[-1].alpha_high == inf
    assert all(a.alpha_high == b.alpha_low for a, b in pairwise(steps))
    assert all(step.alpha_low < step.alpha_high for step in steps)
    assert all(a.tree != b.tree for a, b in pairwise(steps))


@every_cost
def test_starts_with_one_shared_network(costs: list[StageCost]) -> None:
    first = sharing_path(random_affinity(0), NAMES, costs).steps[0]
    assert first.tree == SharingTree.shared(NAMES, len(costs))


def test_ends_with_tasks_apart_at_the_output() -> None:
    last = sharing_path(random_affinity(0), NAMES, [StageCost()] * 2).steps[-1]
    assert last.tree.widths[-1] == N_TASKS


def test_the_cap_holds_for_every_alpha() -> None:
    for step in sharing_path(random_affinity(1), NAMES, COSTS["capped"]).steps:
        assert step.tree.widths[0] <= 2
        assert step.tree.widths[1] <= 3


def test_separation_is_the_mean_over_stages() -> None:
    affinity = noisy(N_TASKS, 2)
    place = {name: i for i, name in enumerate(NAMES)}
    for step in sharing_path(affinity, NAMES, COSTS["falling"]).steps:
        expected = np.mean(
            [
                reference.separation_cost(affinity, [[place[n] for n in group] for group in stage])
                for stage in step.tree.stages
            ]
        )
        assert_allclose(step.separation, expected)


def test_planted_groups_hold_for_the_widest_range() -> None:
    path = sharing_path(blocks(N_TASKS, 2), NAMES, [StageCost()])
    bounded = [step for step in path.steps[1:] if step.alpha_high < inf]
    widest = max(bounded, key=lambda step: step.alpha_high / step.alpha_low)
    planted = tuple(tuple(NAMES[i] for i in group) for group in in_blocks(N_TASKS, 2))
    assert widest.tree.stages == (planted,)


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 0.1, 1.0, 1e12])
def test_at_gives_the_step_of_an_alpha(alpha: float) -> None:
    step = sharing_path(random_affinity(0), NAMES, [StageCost()] * 2).at(alpha)
    assert step.alpha_low <= alpha <= step.alpha_high


def test_at_the_border_the_narrower_tree_holds() -> None:
    path = sharing_path(random_affinity(0), NAMES, [StageCost()])
    for step in path.steps[:-1]:
        assert path.at(step.alpha_high).tree == step.tree


@pytest.mark.parametrize("alpha", [-1.0, inf, float("nan")])
def test_at_refuses_an_alpha_out_of_range(alpha: float) -> None:
    with pytest.raises(InputError, match="`alpha` must be a finite number of at least 0"):
        sharing_path(random_affinity(0), NAMES, [StageCost()]).at(alpha)


def branches(tree: SharingTree) -> int:
    return sum(tree.widths)


def test_within_gives_the_most_divided_tree_of_the_budget() -> None:
    path = sharing_path(random_affinity(0), NAMES, [StageCost()] * 2)
    for budget in range(2, 2 * N_TASKS + 1):
        chosen = path.within(budget, branches)
        assert branches(chosen.tree) <= budget
        higher = [s for s in path.steps if s.alpha_low > chosen.alpha_low]
        assert all(branches(step.tree) > budget for step in higher)


def test_within_names_the_smallest_cost_if_the_budget_is_lower() -> None:
    path = sharing_path(random_affinity(0), NAMES, [StageCost()] * 2)
    with pytest.raises(InputError, match=r"the budget must be at least 2,.*Got 1;"):
        path.within(1, branches)


def test_one_task_has_one_tree() -> None:
    (step,) = sharing_path(np.ones((1, 1)), ["only"], [StageCost()] * 2).steps
    assert step.tree == SharingTree.shared(["only"], 2)


def test_unknown_pairs_are_allowed() -> None:
    affinity = random_affinity(0)
    affinity[2] = affinity[:, 2] = np.nan
    path = sharing_path(affinity, NAMES, [StageCost()] * 2)
    assert all(isfinite(step.separation) for step in path.steps)


@pytest.mark.boundary
def test_refuses_an_affinity_of_other_tasks() -> None:
    with pytest.raises(ShapeError, match=r"`affinity` must be \(2, 2\), one row per task"):
        sharing_path(np.ones((3, 3)), ["a", "b"], [StageCost()])


@pytest.mark.parametrize("widths", [(1, 1), (1, 2), (2, 2), (1, 6), (2, 5), (6, 6)])
def test_a_tree_of_given_widths_has_them(widths: tuple[int, ...]) -> None:
    assert tree_of_widths(random_affinity(2), NAMES, widths).widths == widths


def test_a_tree_of_given_widths_finds_the_plant() -> None:
    planted = tuple(tuple(NAMES[i] for i in group) for group in in_blocks(N_TASKS, 2))
    assert tree_of_widths(noisy(N_TASKS, 2), NAMES, (1, 2)).stages[1] == planted
