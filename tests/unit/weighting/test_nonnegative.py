"""Quadratic programs for many slopes at once against non-negative least squares, one by one."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import nnls

from ramify.weighting import _nonnegative
from ramify.weighting._nonnegative import least_from_all, least_nonnegative

Array = NDArray[np.float64]


def cosines(rows: Array) -> Array:
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(units @ units.T, dtype=np.float64)


def problems() -> dict[str, Array]:
    """Cosines of gradients, by what is hard about them."""
    rng = np.random.default_rng(0)
    groups = rng.standard_normal((3, 200))[np.arange(40) % 3]
    return {
        "far from dependent": cosines(rng.standard_normal((40, 400))),
        "near dependent": cosines(rng.standard_normal((40, 40))),
        "dependent": cosines(rng.standard_normal((40, 20))),
        "of three directions": cosines(rng.standard_normal((40, 3))),
        "loose groups": cosines(groups + 0.5 * rng.standard_normal((40, 200))),
        "tight groups": cosines(groups + 0.05 * rng.standard_normal((40, 200))),
        "two": cosines(rng.standard_normal((2, 3))),
        "one": np.ones((1, 1)),
    }


every_problem = pytest.mark.parametrize("matrix", problems().values(), ids=problems())


def value(matrix: Array, slope: Array, at: Array) -> float:
    return float(at @ matrix @ at / 2 + slope @ at)


def by_least_squares(matrix: Array, slope: Array) -> Array:
    """|Rx − b|² with RᵀR = A and Rᵀb = −f."""
    values, vectors = np.linalg.eigh(matrix)
    known = values > 1e-10
    roots = np.sqrt(values[known])
    target = -(vectors[:, known] / roots).T @ slope
    return np.asarray(nnls(roots[:, None] * vectors[:, known].T, target, maxiter=10_000)[0])


@every_problem
@pytest.mark.parametrize(("steps", "rounds"), [(16, 6), (0, 6), (16, 0), (0, 0), (200, 0)])
def test_every_stage_finds_the_least_value(
    matrix: Array, steps: int, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_nonnegative, "_MOST_STEPS", steps)
    monkeypatch.setattr(_nonnegative, "_MOST_ROUNDS", rounds)
    found = least_nonnegative(matrix, matrix)
    assert (found >= 0).all()
    for at, slope in zip(found.T, matrix.T, strict=True):
        least = value(matrix, slope, by_least_squares(matrix, slope))
        assert abs(value(matrix, slope, at) - least) < 1e-7
        assert (matrix @ at + slope >= -1e-6).all()


@every_problem
def test_from_all_finds_the_least_value(matrix: Array) -> None:
    slope = -matrix.mean(axis=1)
    found = least_from_all(matrix, slope)
    least = value(matrix, slope, by_least_squares(matrix, slope))
    assert (found >= 0).all()
    assert abs(value(matrix, slope, found) - least) < 1e-9


def test_columns_that_rise_everywhere_stay_at_0() -> None:
    assert (least_nonnegative(np.eye(3), np.ones((3, 2))) == 0).all()
    assert least_nonnegative(np.eye(3), np.ones((3, 0))).shape == (3, 0)
