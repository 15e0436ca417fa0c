"""Small planted problems for the models that learn how tasks relate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ramify.linear import (
    ClusteredTasks,
    FeatureLearning,
    LatentBasis,
    TaskGrouping,
    TaskRelationship,
)

Array = NDArray[np.float64]

MODELS = {
    "clustered": ClusteredTasks(0.1),
    "feature-learning": FeatureLearning(0.1),
    "task-relationship": TaskRelationship(0.1),
    "task-grouping": TaskGrouping(0.1, n_init=2),
    "latent-basis": LatentBasis(0.1, n_init=2),
}


@dataclass(frozen=True)
class Stacked:
    """Rows of all tasks one below the other, with the coefficients that made them."""

    X: Array
    y: Array
    task: NDArray[np.int64]
    coef: Array


def rows_of(coef: Array, seed: int, n_rows: int = 25, noise: float = 0.2) -> Stacked:
    rng = np.random.default_rng([seed, 1])
    n_tasks, n_features = coef.shape
    task = np.repeat(np.arange(n_tasks), n_rows)
    X = rng.normal(size=(len(task), n_features))
    y = (X * coef[task]).sum(axis=1) + 1 + noise * rng.normal(size=len(task))
    return Stacked(X, y, task, coef)


def shared(seed: int = 0, n_tasks: int = 5, n_features: int = 4) -> tuple[Array, Array]:
    """Rows with a label for every task, of rank 2 and noise."""
    rng = np.random.default_rng(seed)
    coef = rng.normal(size=(n_tasks, 2)) @ rng.normal(size=(2, n_features))
    X = rng.normal(size=(30, n_features))
    return X, X @ coef.T + 0.3 * rng.normal(size=(30, n_tasks)) + 1


def centred(seed: int = 0) -> tuple[Array, Array]:
    X, Y = shared(seed)
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


def orthonormal(n_rows: int, n_features: int, rng: np.random.Generator) -> Array:
    return np.linalg.qr(rng.normal(size=(n_features, n_rows)))[0].T
