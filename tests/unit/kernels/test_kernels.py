from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel
from tests.references.kernels import tanimoto

from ramify._core import InputError
from ramify.kernels import KERNELS
from ramify.kernels._kernels import all_distances, kernel_of, unit_of

RNG = np.random.default_rng(0)
BITS = RNG.integers(0, 2, size=(30, 6)).astype(np.float32)
ROWS = np.concatenate([RNG.normal(size=(30, 3)).astype(np.float32), BITS], axis=1)
every_kernel = pytest.mark.parametrize("name", KERNELS)


def rows_for(name: str) -> tuple[np.ndarray, int]:
    return (BITS, 0) if name == "tanimoto" else (ROWS, 3)


@pytest.mark.parametrize(("name", "rival"), [("laplace", laplacian_kernel), ("rbf", rbf_kernel)])
def test_widths_are_those_of_scikit_learn(name: str, rival: Callable[..., Any]) -> None:
    kernel = KERNELS[name]
    found: Any = kernel.values(kernel.distances(ROWS[:9], ROWS, 3), 0.7, 2.0)
    assert_allclose(found, rival(ROWS[:9], ROWS, gamma=0.35), atol=1e-6)


def test_tanimoto_counts_what_is_common() -> None:
    rows = BITS.copy()
    rows[:2] = 0
    found: Any = KERNELS["tanimoto"].distances(rows, rows, 0)
    wide = rows.astype(np.float64)
    assert_allclose(found, tanimoto(wide, wide), atol=1e-6)


def test_tanimoto_refuses_numbers() -> None:
    with pytest.raises(InputError, match=r"two values each for `kernel='tanimoto'`. Got 3 of 9"):
        KERNELS["tanimoto"].distances(ROWS, ROWS, 3)


@every_kernel
def test_blocks_of_all_pairs_are_the_pairs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ramify.kernels._kernels._BLOCK", 7)
    (rows, n_numbers), kernel = rows_for(name), KERNELS[name]
    found = all_distances(kernel, rows, n_numbers)
    assert_array_equal(found, found.T)
    assert_allclose(found, kernel.distances(rows, rows, n_numbers), atol=1e-6)


@every_kernel
def test_a_kernel_is_symmetric_and_has_no_negative_direction(name: str) -> None:
    (rows, n_numbers), kernel = rows_for(name), KERNELS[name]
    matrix = kernel.values(all_distances(kernel, rows, n_numbers), 1.0, 4.0)
    assert np.linalg.eigvalsh(matrix.astype(np.float64)).min() > -1e-5


def test_the_unit_is_the_median_distance_of_different_rows() -> None:
    rows = np.array([[0.0], [0.0], [2.0], [5.0]], dtype=np.float32)
    assert unit_of(KERNELS["laplace"], rows, 1) == 3.0
    assert unit_of(KERNELS["rbf"], rows, 1) == 9.0
    assert unit_of(KERNELS["laplace"], np.ones((4, 1), np.float32), 1) == 1.0


def test_an_unknown_kernel_is_told_which_there_are() -> None:
    with pytest.raises(InputError, match=r"`kernel` must be one of 'laplace'.*Got 'cubic'"):
        kernel_of("cubic")
