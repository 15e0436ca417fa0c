import numpy as np

from ramify.grouping import group_stability, tree_of_widths
from ramify.tasks import SharingTree

from ._planted import blocks, noisy

NAMES = tuple("abcdefgh")


def test_is_one_where_all_draws_are_the_noise_free_blocks() -> None:
    tree = tree_of_widths(blocks(8, 2), NAMES, (1, 2, 2))
    assert group_stability(tree, [blocks(8, 2)] * 5) == [[1.0], [1.0, 1.0], [1.0, 1.0]]


def test_is_high_for_a_plant_and_nothing_for_chance() -> None:
    planted = tree_of_widths(blocks(8, 2), NAMES, (2,))
    draws = [noisy(8, 2, seed) for seed in range(10)]
    crossed = planted.reassigned([0, 4, 1, 5, 2, 6, 3, 7])
    assert np.mean(group_stability(planted, draws)) == 1
    assert np.max(group_stability(crossed, draws)) == 0


def test_is_the_way_from_chance_to_always_by_hand() -> None:
    tree = SharingTree(tuple("abcd"), ((("a", "b"), ("c", "d")),))
    same = blocks(4, 2)
    other = same[np.ix_([0, 2, 1, 3], [0, 2, 1, 3])]
    # Overlaps 1 and 1/3; by chance 1 in one of three dealings, else 1/3.
    (found,) = group_stability(tree, [same, other])
    np.testing.assert_allclose(found, (2 / 3 - 5 / 9) / (4 / 9), atol=0.1)


def test_a_group_of_a_size_that_any_dealing_shows_as_well_has_none() -> None:
    tree = SharingTree(tuple("abcd"), ((("a", "b", "c"), ("d",)),))
    # Every tree says {a, b} and {c, d}: overlaps 2/3 and 1/2, whoever is dealt to whom.
    (found,) = group_stability(tree, [blocks(4, 2)] * 3)
    assert found == [0, 0]


def test_has_one_value_per_group_of_every_stage() -> None:
    tree = tree_of_widths(noisy(8, 2), NAMES, (1, 3, 8))
    found = group_stability(tree, [noisy(8, 2, seed) for seed in range(3)])
    assert [len(stage) for stage in found] == [1, 3, 8]
    assert all(0 <= value <= 1 for stage in found for value in stage)
