"""Small problems for the convex models, with the coefficients that made them."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def shared_features(
    seed: int = 0, n_rows: int = 60, n_features: int = 12, n_tasks: int = 5
) -> tuple[Array, Array, Array]:
    """Rows, labels and coefficients of tasks that use the first three features."""
    rng = np.random.default_rng(seed)
    coef = np.zeros((n_tasks, n_features))
    coef[:, :3] = rng.choice([-1.0, 1.0], size=(n_tasks, 3)) * rng.uniform(1, 2, (n_tasks, 3))
    X = rng.normal(size=(n_rows, n_features)) + rng.normal(size=n_features)
    return X, X @ coef.T + 2 + 0.3 * rng.normal(size=(n_rows, n_tasks)), coef


def with_gaps(Y: Array, seed: int = 0, share: float = 0.3) -> Array:
    """Some labels missing, but the first rows complete."""
    gaps = np.random.default_rng([seed, 2]).random(Y.shape) < share
    gaps[:4] = False
    return np.where(gaps, np.nan, Y)


def stacked(X: Array, Y: Array) -> tuple[Array, Array, NDArray[np.intp]]:
    """The labelled cells of a table as rows with a task, in mixed order."""
    rows, tasks = np.nonzero(~np.isnan(Y))
    order = np.random.default_rng(3).permutation(len(rows))
    rows, tasks = rows[order], tasks[order]
    return X[rows], Y[rows, tasks], tasks
