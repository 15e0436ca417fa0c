import numpy as np

from ramify.grouping import group_stability, tree_of_widths
from ramify.tasks import SharingTree

from ._planted import blocks, noisy

NAMES = tuple("abcdefgh")


def test_is_one_where_all_draws_are_the_noise_free_blocks() -> None:
    tree = tree_of_widths(blocks(8, 2), NAMES, (1, 2, 2))
    assert group_stability(tree, [blocks(8, 2)] * 5) == [[1.0], [1.0, 1.0], [1.0, 1.0]]


def test_is_high_for_a_plant_and_lower_for_chance() -> None:
    planted = tree_of_widths(blocks(8, 2), NAMES, (2,))
    draws = [noisy(8, 2, seed) for seed in range(10)]
    crossed = planted.reassigned([0, 4, 1, 5, 2, 6, 3, 7])
    assert np.mean(group_stability(planted, draws)) == 1
    assert np.mean(group_stability(crossed, draws)) < 0.6


def test_is_the_best_overlap_by_hand() -> None:
    tree = SharingTree(tuple("abcd"), ((("a", "b", "c"), ("d",)),))
    # Every draw says {a, b} and {c, d}: overlaps 2/3 and 1/2.
    (found,) = group_stability(tree, [blocks(4, 2)] * 3)
    np.testing.assert_allclose(found, [2 / 3, 1 / 2])


def test_has_one_value_per_group_of_every_stage() -> None:
    tree = tree_of_widths(noisy(8, 2), NAMES, (1, 3, 8))
    found = group_stability(tree, [noisy(8, 2, seed) for seed in range(3)])
    assert [len(stage) for stage in found] == [1, 3, 8]
    assert all(0 <= value <= 1 for stage in found for value in stage)
