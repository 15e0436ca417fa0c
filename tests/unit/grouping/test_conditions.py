from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ramify._core import InputError, ShapeError
from ramify.grouping import (
    Condition,
    Shuffled,
    Similarity,
    Variance,
    apart,
    factor_distances,
    groups_by,
    medoids,
    together,
)

CONDITIONS: list[Condition] = [Similarity(), Similarity(n_groups=3), Variance(3)]


def planted(
    n_groups: int = 3, per_group: int = 4, *, spread: float = 0.1, seed: int = 0
) -> tuple[NDArray[np.float64], list[list[int]]]:
    """Distances of tasks in groups, in random order."""
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.arange(n_groups * per_group) % n_groups)
    rows = np.eye(n_groups)[label] + spread * rng.standard_normal((len(label), n_groups))
    groups = [np.flatnonzero(label == g).tolist() for g in range(n_groups)]
    return factor_distances(rows, np.ones(len(label), dtype=bool)), sorted(groups)


def test_distances_are_one_less_the_cosine() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((5, 3))
    known = np.array([True, True, False, True, True])
    for signed in (True, False):
        found = factor_distances(rows, known, signed=signed)
        for i in range(5):
            for j in range(5):
                cosine = rows[i] @ rows[j] / np.linalg.norm(rows[i]) / np.linalg.norm(rows[j])
                expected = 1 - (cosine if signed else abs(cosine))
                assert np.isnan(found[i, j]) == (2 in (i, j))
                if 2 not in (i, j):
                    np.testing.assert_allclose(found[i, j], expected, atol=1e-12)
        assert (found.diagonal()[known] == 0).all()


def test_without_signs_opposite_tasks_are_the_same() -> None:
    rows = np.array([[1.0, 2.0], [-2.0, -4.0]])
    known = np.ones(2, dtype=bool)
    np.testing.assert_allclose(factor_distances(rows, known, signed=False), 0, atol=1e-12)
    assert factor_distances(rows, known)[0, 1] == pytest.approx(2)


@pytest.mark.parametrize("seed", range(5))
def test_similar_tasks_are_found_by_threshold_and_by_number(seed: int) -> None:
    distances, groups = planted(seed=seed)
    assert groups_by(Similarity(), distances) == groups
    assert groups_by(Similarity(n_groups=3), distances) == groups


def test_at_the_threshold_two_tasks_are_joined() -> None:
    distances = np.array([[0.0, 0.5], [0.5, 0.0]])
    assert Similarity(0.5)(distances) == [[0, 1]]
    assert Similarity(0.49)(distances) == [[0], [1]]


def test_identical_tasks_are_one_group_and_unrelated_ones_stay_alone() -> None:
    assert Similarity()(np.zeros((4, 4))) == [[0, 1, 2, 3]]
    assert Similarity()(1 - np.eye(4)) == [[0], [1], [2], [3]]


def test_the_number_of_groups_is_what_was_asked_for_even_where_all_are_as_near() -> None:
    for distances in (np.zeros((6, 6)), 1 - np.eye(6)):
        for n_groups in range(1, 8):
            assert len(Similarity(n_groups=n_groups)(distances)) == min(n_groups, 6)
            assert len(Variance(n_groups)(distances)) == min(n_groups, 6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n_groups", "per_group"), [(2, 2), (2, 4), (3, 3), (4, 5)])
def test_variance_never_puts_the_closest_pair_together(
    n_groups: int, per_group: int, seed: int
) -> None:
    distances, _ = planted(n_groups, per_group, seed=seed)
    apart = np.where(np.eye(len(distances), dtype=bool), np.inf, distances)
    one, two = np.unravel_index(apart.argmin(), apart.shape)
    found = groups_by(Variance(n_groups), distances)
    assert not any({int(one), int(two)} <= set(group) for group in found)
    assert max(map(len, found)) - min(map(len, found)) <= 1


@pytest.mark.parametrize("condition", CONDITIONS)
def test_groups_follow_the_order_of_tasks(condition: Condition) -> None:
    distances, _ = planted()
    order = np.random.default_rng(1).permutation(len(distances))
    found = groups_by(condition, distances)
    turned = groups_by(condition, distances[np.ix_(order, order)])
    assert sorted(sorted(int(order[t]) for t in group) for group in turned) == found


@pytest.mark.parametrize("condition", CONDITIONS)
def test_unknown_tasks_stay_alone_and_change_nothing(condition: Condition) -> None:
    distances, _ = planted()
    wider = np.full((14, 14), np.nan)
    wider[:12, :12] = distances
    assert groups_by(condition, wider) == [*groups_by(condition, distances), [12], [13]]
    assert groups_by(condition, np.full((3, 3), np.nan)) == [[0], [1], [2]]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_one_task_is_one_group(condition: Condition) -> None:
    assert groups_by(condition, np.zeros((1, 1))) == [[0]]


def test_any_callable_may_be_a_condition_if_it_gives_a_partition() -> None:
    distances, _ = planted(2, 2)
    assert groups_by(lambda _: [[3, 1], [2, 0]], distances) == [[0, 2], [1, 3]]
    for wrong in ([[0, 1, 2]], [[0, 1], [1, 2, 3]], [[0, 1], [2, 4]], [[0, 1, 2, 3, -1]]):
        with pytest.raises(ShapeError, match="`condition` must put each place from 0 to 3"):
            groups_by(lambda _, wrong=wrong: wrong, distances)  # type: ignore[misc]


def test_a_medoid_is_the_nearest_to_the_others_and_the_first_of_equals() -> None:
    line = np.array([0.0, 1.0, 5.0, 7.0, 8.0])
    distances = np.abs(line[:, None] - line)
    assert medoids(distances, [[0, 1, 2], [3, 4]]) == [1, 3]
    distances[1] = distances[:, 1] = np.nan
    assert medoids(distances, [[0, 1], [2, 3, 4]]) == [0, 3]
    assert medoids(distances, [[1]]) == [1]


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ShapeError, match="square"):
        groups_by(Similarity(), np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="loadings"):
        factor_distances(np.zeros((2, 3)), np.ones(3, dtype=bool))


NO_CONDITIONS: dict[str, tuple[Callable[[], object], str]] = {
    "threshold below 0": (lambda: Similarity(-0.1), "threshold"),
    "threshold no distance reaches": (lambda: Similarity(2.1), "threshold"),
    "unknown threshold": (lambda: Similarity(float("nan")), "threshold"),
    "threshold as a word": (lambda: Similarity("a"), "threshold"),  # type: ignore[arg-type]
    "threshold as an answer": (lambda: Similarity(True), "threshold"),
    "no threshold": (lambda: Similarity(None), "threshold"),  # type: ignore[arg-type]
    "no group": (lambda: Similarity(n_groups=0), "n_groups"),
    "half a group": (lambda: Similarity(n_groups=2.5), "n_groups"),  # type: ignore[arg-type]
    "groups as an answer": (lambda: Similarity(n_groups=True), "n_groups"),
    "no diverse group": (lambda: Variance(0), "n_groups"),
    "diverse groups as a word": (lambda: Variance("2"), "n_groups"),  # type: ignore[arg-type]
    "unknown number": (lambda: Variance(None), "n_groups"),  # type: ignore[arg-type]
    "nothing to shuffle": (lambda: Shuffled(3), "condition"),  # type: ignore[arg-type]
    "a class to shuffle": (lambda: Shuffled(Similarity), "condition"),  # type: ignore[arg-type]
    "seed below 0": (lambda: Shuffled(apart, -1), "seed"),
    "half a seed": (lambda: Shuffled(apart, 0.5), "seed"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", NO_CONDITIONS)
def test_a_condition_that_makes_no_sense_is_refused(case: str) -> None:
    make, word = NO_CONDITIONS[case]
    with pytest.raises(InputError, match=f"^`{word}` must be .* Got .*$"):
        make()


def test_the_largest_distance_there_is_may_be_the_threshold() -> None:
    opposed = np.array([[0.0, 2.0], [2.0, 0.0]])
    assert Similarity(2)(opposed) == [[0, 1]]


def test_controls_ask_for_no_distance() -> None:
    for distances in (np.zeros((3, 3)), 1 - np.eye(3), np.full((3, 3), np.nan)):
        assert groups_by(together, distances) == [[0, 1, 2]]
        assert groups_by(apart, distances) == [[0], [1], [2]]


PARTITIONS: dict[str, object] = {
    "tuples": ((2, 0), (1,)),
    "sets": [{0, 2}, frozenset({1})],
    "numbers of numpy": [np.array([0, 2]), [np.int32(1)]],
    "generators": (iter(group) for group in ([0, 2], [1])),
    "an empty group": [[0, 2], [], [1]],
}


@pytest.mark.parametrize("case", PARTITIONS)
def test_groups_may_be_any_collections_of_whole_numbers(case: str) -> None:
    assert groups_by(lambda _: PARTITIONS[case], np.zeros((3, 3))) == [[0, 2], [1]]  # type: ignore[arg-type, return-value]


NO_LISTS: dict[str, object] = {
    "nothing": None,
    "a number": 3,
    "labels": np.arange(3),
    "names": [["a"], [1, 2]],
    "a word": "012",
    "a mapping": {0: [0, 1], 1: [2]},
    "parts of places": [[0.0, 1.5], [2]],
    "masks": [[False, True]],
    "masks of numpy": [np.array([True, False, True]), np.array([False, True, False])],
    "a group in a group": [[[0, 1], 2]],
}


@pytest.mark.parametrize("given", NO_LISTS.values(), ids=NO_LISTS)
def test_a_condition_that_gives_no_lists_is_named(given: object) -> None:
    with pytest.raises(ShapeError, match="`condition` must give lists of places"):
        groups_by(lambda _: given, np.zeros((3, 3)))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("condition", [Similarity(), Variance(2), Shuffled(Similarity())])
def test_a_distance_unknown_between_known_tasks_is_refused(condition: Condition) -> None:
    distances = np.ones((3, 3)) - np.eye(3)
    distances[0, 1] = distances[1, 0] = np.nan
    with pytest.raises(InputError, match="between two known tasks"):
        condition(distances)


def test_shuffled_groups_have_the_sizes_of_the_condition_and_other_tasks() -> None:
    distances = np.ones((9, 9)) - np.eye(9)
    for group in ([0, 1, 2, 3], [4, 5]):
        distances[np.ix_(group, group)] = 0.1
    distances[8, :] = distances[:, 8] = np.nan
    found = groups_by(Similarity(), distances)
    drawn = [groups_by(Shuffled(Similarity(), seed), distances) for seed in range(20)]
    assert all(sorted(map(len, groups)) == sorted(map(len, found)) for groups in drawn)
    assert all([8] in groups for groups in drawn)
    assert sum(groups == found for groups in drawn) < 3
    assert drawn[0] == groups_by(Shuffled(Similarity(), 0), distances)
