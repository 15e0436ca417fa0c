import numpy as np
from numpy.testing import assert_allclose
from tests.references.kernels import laplace, predicted

from ramify.kernels._exact import ExactSolution

STRENGTHS = np.array([1e-4, 0.1, 10.0])


def problem(n: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = X[:, :2] ** 2 + rng.normal(size=(n, 2))
    return laplace(X, X, 0.5), y - y.mean(axis=0), np.arange(n) % 4 - 1  # a quarter is in no fold


def test_every_fold_strength_and_column_is_that_of_scikit_learn() -> None:
    kernel, y, fold = problem()
    solution = ExactSolution.of(kernel, y, STRENGTHS)
    found = solution.out_of_fold(fold)
    assert np.isnan(found[:, fold < 0]).all()
    for i, strength in enumerate(solution.strengths):
        for f in range(3):
            held, learned = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
            for c in range(2):
                expected = predicted(kernel, y[:, c], learned, held, strength)
                assert_allclose(found[i, held, c], expected, atol=1e-9)


def test_the_answer_learns_from_all_rows_at_each_columns_strength() -> None:
    kernel, y, _ = problem()
    solution = ExactSolution.of(kernel, y, STRENGTHS)
    coef, intercept = solution.coefficients(np.array([1, 2]))
    every = np.arange(len(y))
    for c, i in enumerate((1, 2)):
        expected = predicted(kernel, y[:, c], every, every, solution.strengths[i])
        assert_allclose(kernel @ coef[:, c] + intercept[c], expected, atol=1e-9)


def test_equal_rows_and_rows_that_are_all_the_same() -> None:
    kernel, y, fold = problem()
    twice = np.repeat(np.arange(20), 2)
    solution = ExactSolution.of(kernel[np.ix_(twice, twice)], y, STRENGTHS)
    assert np.isfinite(solution.out_of_fold(fold)[:, fold >= 0]).all()
    alike = ExactSolution.of(np.ones_like(kernel), y, STRENGTHS).out_of_fold(fold)
    held, learned = fold == 0, fold != 0
    assert_allclose(alike[1, held], np.tile(y[learned].mean(axis=0), (held.sum(), 1)), atol=1e-6)
