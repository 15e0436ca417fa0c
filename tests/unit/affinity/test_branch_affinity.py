import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from tests.references import affinity as reference

from ramify._core import ShapeError
from ramify.affinity import branch_affinity


def symmetric(n: int, seed: int = 0) -> NDArray[np.float64]:
    matrix = np.random.default_rng(seed).random((n, n))
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    return matrix


@pytest.mark.parametrize(
    "groups",
    [
        [[0, 1, 2, 3, 4, 5, 6]],
        [[i] for i in range(7)],
        [[0, 3], [1, 2, 6], [4], [5]],
        [[0, 1, 2], [2, 3, 4]],
    ],
    ids=["together", "alone", "mixed", "overlapping"],
)
def test_equals_the_loop(groups: list[list[int]]) -> None:
    matrix = symmetric(7)
    assert_allclose(branch_affinity(matrix, groups), reference.branch_affinity(matrix, groups))


def test_of_single_tasks_is_the_affinity_of_the_tasks() -> None:
    matrix = symmetric(6)
    assert_allclose(branch_affinity(matrix, [[i] for i in range(6)]), matrix)


def test_the_diagonal_is_one_only_for_a_branch_of_one_task() -> None:
    found = branch_affinity(symmetric(5), [[0], [1, 2], [3, 4]])
    assert found[0, 0] == 1
    assert (found.diagonal()[1:] < 1).all()


def test_is_symmetric_even_if_its_directions_differ() -> None:
    found = branch_affinity(symmetric(9), [[0, 1, 2, 3], [4], [5, 6, 7, 8]])
    assert_allclose(found, found.T)


@pytest.mark.parametrize("groups", [[], [[0], []], [[0], [3]], [[-1]]])
def test_refuses_empty_and_unknown_members(groups: list[list[int]]) -> None:
    with pytest.raises(ShapeError, match=r"`groups` must be non-empty lists of places from 0 to 2"):
        branch_affinity(symmetric(3), groups)


@pytest.mark.boundary
def test_refuses_an_affinity_that_is_not_square() -> None:
    with pytest.raises(ShapeError, match=r"must be a square matrix\. Got shape \(2, 3\)"):
        branch_affinity(np.zeros((2, 3)), [[0]])
