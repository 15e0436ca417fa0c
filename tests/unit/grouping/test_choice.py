import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import grouping as reference

from ramify._core import InputError, ShapeError
from ramify.affinity import branch_affinity
from ramify.grouping import (
    UNIT_COST,
    Option,
    choose_grouping,
    grouping_options,
    separation_cost,
)

from ._planted import blocks, from_margins, in_blocks, in_turn, noisy

# (tasks, groups, α): the safe settings of methods.md 1.15.
PLANTS = [(8, 2, 0.1), (12, 3, 0.2), (40, 5, 0.5)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n_tasks", "n_groups", "alpha"), PLANTS)
def test_planted_groups_are_found(n_tasks: int, n_groups: int, alpha: float, seed: int) -> None:
    affinity = from_margins(n_tasks, n_groups, seed)
    assert choose_grouping(affinity, alpha=alpha, seed=seed).groups == in_turn(n_tasks, n_groups)


@pytest.mark.parametrize(
    ("n_tasks", "n_groups"), [(6, 2), (8, 2), (12, 3), (12, 4), (20, 4), (40, 5)]
)
def test_the_plant_holds_between_merging_and_shattering(n_tasks: int, n_groups: int) -> None:
    affinity, size = blocks(n_tasks, n_groups), n_tasks / n_groups
    merging = (n_groups**2 // 4) * UNIT_COST / (0.8 - 0.5)
    single = (size - 1) * (n_groups - 1 + size) / size
    shattering = UNIT_COST / (1 - 0.8) * min(n_groups + 1, single)
    for alpha in (merging * 1.01, shattering * 0.99):
        assert choose_grouping(affinity, alpha=alpha).groups == in_blocks(n_tasks, n_groups)


def test_two_groups_merge_below_the_exact_edge() -> None:
    edge = UNIT_COST / 0.3  # c / (A_in - A_out)
    assert choose_grouping(blocks(8, 2), alpha=edge * 1.001).groups == in_blocks(8, 2)
    assert len(choose_grouping(blocks(8, 2), alpha=edge * 0.999).groups) == 1


@pytest.mark.parametrize("seed", range(5))
def test_without_weight_on_separation_nothing_is_divided(seed: int) -> None:
    assert len(choose_grouping(noisy(9, 3, seed), alpha=0).groups) == 1


@pytest.mark.parametrize(("cap", "width"), [(None, 9), (4, 4), (1, 1), (20, 9)])
def test_all_weight_on_separation_divides_up_to_the_cap(cap: int | None, width: int) -> None:
    groups = choose_grouping(noisy(9, 3), alpha=1e9, max_groups=cap).groups
    assert len(groups) == width


def test_the_usual_cap_is_32() -> None:
    affinity = np.full((35, 35), 0.5) + 0.5 * np.eye(35)
    assert len(choose_grouping(affinity, alpha=1e9).groups) <= 32
    assert len(grouping_options(affinity)) == 32


@pytest.mark.parametrize("within", [1.0, 0.5])
def test_the_narrowest_wins_a_tie(within: float) -> None:
    affinity = blocks(6, 2, within=within, between=within)
    # All options have one separation if all tasks are alike; for α = 0 the cost alone counts.
    alpha = 5.0 if within == 1 else 0.0
    assert choose_grouping(affinity, alpha=alpha).groups == (tuple(range(6)),)


def test_the_narrowest_wins_an_exact_tie_of_cost_and_separation() -> None:
    # Two tasks at affinity 1/2: one group costs α / 2, two cost 1/64; equal at α = 1/32.
    affinity = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert choose_grouping(affinity, alpha=1 / 32).groups == ((0, 1),)
    assert choose_grouping(affinity, alpha=1 / 32 + 1e-9).groups == ((0,), (1,))


@pytest.mark.parametrize("n_pools", [0, 1, 3])
def test_each_pool_doubles_the_cost(n_pools: int) -> None:
    affinity = np.array([[1.0, 0.5], [0.5, 1.0]])
    edge = 2**n_pools / 32
    assert len(choose_grouping(affinity, alpha=edge * 0.99, n_pools=n_pools).groups) == 1
    assert len(choose_grouping(affinity, alpha=edge * 1.01, n_pools=n_pools).groups) == 2


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_tasks_does_not_matter(seed: int) -> None:
    affinity = noisy(12, 3, seed)
    order = np.random.default_rng(seed).permutation(12)
    renamed = choose_grouping(affinity[np.ix_(order, order)], alpha=0.2).groups
    back = sorted(tuple(sorted(order[list(group)].tolist())) for group in renamed)
    assert tuple(back) == choose_grouping(affinity, alpha=0.2).groups == in_blocks(12, 3)


def test_the_same_seed_gives_the_same_options() -> None:
    affinity = np.random.default_rng(3).random((15, 15))
    affinity = (affinity + affinity.T) / 2
    assert grouping_options(affinity, seed=4) == grouping_options(affinity, seed=4)


@pytest.mark.parametrize("n_groups", [2, 3, 4])
def test_unconnected_blocks_are_found(n_groups: int) -> None:
    affinity = blocks(12, n_groups, within=1.0, between=0.0)
    assert grouping_options(affinity)[n_groups - 1].groups == in_blocks(12, n_groups)


def test_tasks_that_are_close_to_nothing_are_alone() -> None:
    affinity = np.eye(5)
    affinity[0, 1] = affinity[1, 0] = 0.9
    assert choose_grouping(affinity, alpha=0.5).groups == ((0, 1), (2,), (3,), (4,))


def test_a_pair_never_seen_counts_as_the_mean_of_the_rest() -> None:
    affinity, filled = noisy(9, 3), noisy(9, 3)
    pairs = [(0, 1), (2, 7), (4, 8)]
    hidden = np.zeros((9, 9), dtype=bool)
    for i, j in pairs:
        hidden[i, j] = hidden[j, i] = True
    affinity[hidden] = np.nan
    filled[hidden] = filled[~hidden & ~np.eye(9, dtype=bool)].mean()
    assert grouping_options(affinity) == grouping_options(filled)
    assert grouping_options(affinity)[2].groups == in_blocks(9, 3)


def test_a_task_without_any_label_can_be_grouped() -> None:
    affinity = noisy(6, 2)
    affinity[3] = affinity[:, 3] = np.nan
    members = [i for group in choose_grouping(affinity, alpha=0.1).groups for i in group]
    assert sorted(members) == list(range(6))


@pytest.mark.parametrize("alpha", [0.1, 100.0])
def test_from_no_evidence_nothing_is_divided(alpha: float) -> None:
    unknown = np.full((8, 8), np.nan)
    for pair in ([0, 1], [2, 3], [4, 5]):  # of 28
        unknown[tuple(pair)] = 0.1
        choice = choose_grouping(unknown, alpha=alpha)
        assert choice.groups == (tuple(range(8)),)
        assert len(choice.options) == 1
    assert choice.known == pytest.approx(3 / 28)


def test_unknown_pairs_count_as_the_mean_of_the_known() -> None:
    affinity = noisy(6, 2, seed=1)
    holed, filled = affinity.copy(), affinity.copy()
    holed[0, 4] = holed[4, 0] = np.nan
    others = ~np.eye(6, dtype=bool)
    others[0, 4] = others[4, 0] = False
    filled[0, 4] = filled[4, 0] = affinity[others].mean()
    ours, theirs = grouping_options(holed), grouping_options(filled)
    assert [o.groups for o in ours] == [o.groups for o in theirs]


def test_controls_may_ask_for_groups_of_unknown_tasks() -> None:
    (option,) = grouping_options(np.full((4, 4), np.nan), min_groups=3, max_groups=3)
    assert option.n_groups <= 3


@pytest.mark.parametrize("groups", [[[0, 1, 2], [3, 4], [5]], [[0], [1, 2, 3, 4, 5]]])
def test_separation_equals_the_loop(groups: list[list[int]]) -> None:
    affinity = noisy(6, 2, seed=1)
    assert_allclose(separation_cost(affinity, groups), reference.separation_cost(affinity, groups))


def test_separation_of_single_tasks_is_0_and_of_a_branch_is_its_own() -> None:
    affinity = noisy(6, 2, seed=1)
    assert separation_cost(affinity, [[i] for i in range(6)]) == 0
    branches = branch_affinity(affinity, [[0, 1], [2, 3, 4, 5]])
    expected = 1 - branches.diagonal().mean()
    assert_allclose(separation_cost(branches, [[0], [1]]), expected)


def test_every_option_is_a_partition_with_its_own_cost() -> None:
    affinity = noisy(10, 3, seed=2)
    for d, option in enumerate(grouping_options(affinity), 1):
        assert option.n_groups == d
        assert sorted(i for group in option.groups for i in group) == list(range(10))
        assert list(option.groups) == sorted(option.groups)
        assert_allclose(option.separation, reference.separation_cost(affinity, option.groups))
        assert_allclose(option.cost(0.3, 0.1), (d - 1) * 0.1 + 0.3 * option.separation)


def test_the_choice_is_the_cheapest_of_its_options() -> None:
    for alpha in (0.01, 0.1, 0.5, 2.0):
        choice = choose_grouping(noisy(10, 3, seed=2), alpha=alpha)
        costs = [option.cost(alpha, UNIT_COST) for option in choice.options]
        assert choice.options[int(np.argmin(costs))].groups == choice.groups


def test_branches_are_grouped_by_the_tasks_that_they_hold() -> None:
    affinity = blocks(8, 2)
    branches = [[0, 1], [4], [2, 3], [5, 6, 7]]
    assert choose_grouping(affinity, branches, alpha=1.0, max_groups=2).groups == ((0, 2), (1, 3))


def test_a_single_task_has_one_group() -> None:
    assert choose_grouping(np.ones((1, 1)), alpha=5.0).groups == ((0,),)


def test_the_options_are_not_the_exact_minimum_on_purpose() -> None:
    # One giant group and a single task is cheaper here than the plant (methods.md 1.14).
    affinity = blocks(6, 2, within=0.66)
    giant = Option(((0,), (1, 2, 3, 4, 5)), separation_cost(affinity, [[0], [1, 2, 3, 4, 5]]))
    found = grouping_options(affinity)[1]
    assert found.groups == in_blocks(6, 2)
    assert giant.separation < found.separation


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -0.1}, "`alpha` must be a finite number of at least 0"),
        ({"alpha": float("nan")}, "`alpha` must be a finite number"),
        ({"alpha": float("inf")}, "`alpha` must be a finite number"),
        ({"alpha": "1"}, "`alpha` must be a finite number"),
        ({"alpha": 1.0, "unit_cost": 0.0}, "`unit_cost` must be a finite number above 0"),
        ({"alpha": 1.0, "n_pools": 0.5}, "`n_pools` must be a whole number of at least 0"),
        ({"alpha": 1.0, "max_groups": 0}, "`max_groups` must be a whole number of at least 1"),
        ({"alpha": 1.0, "max_groups": True}, "`max_groups` must be a whole number"),
    ],
)
def test_refuses_numbers_out_of_range(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_grouping(blocks(4, 2), **settings)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("value", [1.5, -0.2])
def test_refuses_affinities_out_of_range(value: float) -> None:
    affinity = blocks(4, 2)
    affinity[0, 1] = affinity[1, 0] = value
    with pytest.raises(InputError, match=r"must lie in \[0, 1\]"):
        choose_grouping(affinity, alpha=1.0)


@pytest.mark.boundary
@pytest.mark.parametrize("shape", [(2, 3), (4,), (0, 0)])
def test_refuses_an_affinity_that_is_not_square(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"must be a square matrix"):
        choose_grouping(np.ones(shape), alpha=1.0)
