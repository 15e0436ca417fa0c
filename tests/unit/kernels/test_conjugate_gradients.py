import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references.kernels import laplace, own_rows, predicted

from ramify.kernels._conjugate_gradients import DenseGram, FactorGram, Gram, solve_shifted
from ramify.kernels._exact import ExactSolution
from ramify.kernels._folds_as_columns import part_of, solve_columns
from ramify.kernels._search import OwnRowsMatrix

N = 60


def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N, 3))


def labels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    mask = rng.random((N, 3)) < 0.7
    mask[:, 0] = True
    return np.where(mask, rows() ** 2 + rng.normal(size=(N, 3)), 0.0), mask


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-9), (np.float32, 2e-4)])
def test_every_shift_of_every_column_is_solved_in_one_run(dtype: type, tol: float) -> None:
    X, (y, mask) = rows(), labels()
    kernel = laplace(X, X, 0.5)
    shifts = np.outer([0.01, 0.3, 20.0], [1.0, 2.0, 1.0])
    means = y.sum(axis=0) / mask.sum(axis=0)
    own: np.ndarray = mask.astype(dtype)
    found, n_steps = solve_shifted(
        DenseGram(kernel.astype(dtype)),
        own,
        ((y - means) * own).astype(dtype),
        shifts,
        tol=tol / 10,
        max_iter=500,
    )
    assert n_steps < 200
    for c in range(3):
        learned = np.flatnonzero(mask[:, c])
        for i in range(3):
            expected = predicted(kernel, y[:, c], learned, learned, shifts[i, c])
            values = kernel[learned] @ found[i, :, c]
            assert_allclose(values - values.mean(), expected - expected.mean(), atol=30 * tol)
    assert not found[:, ~mask].any()


def test_no_more_products_than_allowed() -> None:
    X, (y, mask) = rows(), labels()
    gram = DenseGram(laplace(X, X, 0.5))
    shifts = np.full((1, 3), 1e-12)
    found, n_steps = solve_shifted(gram, mask * 1.0, y, shifts, tol=1e-12, max_iter=7)
    assert n_steps == 7
    assert np.isfinite(found).all()


def test_nothing_to_learn_gives_zero() -> None:
    gram = DenseGram(np.eye(N))
    nothing = np.zeros((N, 2))
    found, n_steps = solve_shifted(gram, nothing, nothing, np.ones((2, 2)), tol=1e-3, max_iter=9)
    assert n_steps == 0
    assert not found.any()


def first(errors: np.ndarray) -> np.ndarray:
    return np.zeros(errors.shape[1], dtype=np.intp)


def test_folds_as_columns_are_the_decomposition_where_no_label_is_missing() -> None:
    X = rows()
    y = X**2 - (X**2).mean(axis=0)
    kernel, fold = laplace(X, X, 0.5), np.arange(N) % 4 - 1
    exact = ExactSolution.of(kernel, y, np.array([0.1, 1.0]))
    strengths = exact.strengths[:, None]
    for i in range(2):
        chosen = np.full(3, i)

        def choose(errors: np.ndarray, chosen: np.ndarray = chosen) -> np.ndarray:
            return chosen

        full = np.ones(y.shape, dtype=bool)
        part = solve_columns(DenseGram(kernel), (y, full, fold), strengths, choose)[0]
        sums, _, oof = part_of(exact.out_of_fold(fold), (y, full), choose)
        # The run ends at 0.1 % of the labels' size.
        assert_allclose(part.oof, oof, atol=5e-3)
        assert_allclose(part.errors, sums, rtol=1e-2)
        coef, intercept = exact.coefficients(chosen)
        assert_allclose(kernel @ part.coef + part.intercept, kernel @ coef + intercept, atol=5e-3)


@pytest.mark.parametrize("dense", [False, True])
def test_products_with_tasks_of_their_own_rows_are_those_of_the_matrix(dense: bool) -> None:
    X, columns = rows(), np.random.default_rng(2).normal(size=(N, 4))
    counts = np.array([10, 0, 30, 20])
    task = np.repeat(np.arange(4), counts)
    base: Gram = DenseGram(X @ X.T) if dense else FactorGram(X)
    shares, place = np.array([1.0, 0.5, 0.0]), np.array([0, 1, 2, 1])
    matrix = OwnRowsMatrix(base, counts, shares, 0.3)
    for c, p in enumerate(place):
        matrix_of = own_rows(X @ X.T, task, task, shares[p], 0.3)
        assert_allclose(matrix.times(columns, place)[:, c], matrix_of @ columns[:, c], atol=1e-9)
        some = matrix.part_times(np.array([3, 50]), columns, place)
        assert_allclose(some[:, c], (matrix_of @ columns[:, c])[[3, 50]], atol=1e-9)
    every = X @ X.T
    assert_allclose(base.means, (np.trace(every) / N, every.mean()), atol=1e-9)
