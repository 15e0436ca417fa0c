"""Penalties on stacked weights, written as plainly as possible."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def graph_distance(weights: Array, graph: Array) -> float:
    """Half the squared distances over all edges, pair by pair."""
    n_tasks = len(weights)
    total = 0.0
    for s in range(n_tasks):
        for t in range(s + 1, n_tasks):
            total += graph[s, t] * float(((weights[s] - weights[t]) ** 2).sum()) / 2
    return total


def trace_norm(weights: Array, splits: list[tuple[int, ...]]) -> float:
    """Singular values of every unfolding, by numpy."""
    total = 0.0
    for rows in splits:
        columns = [axis for axis in range(weights.ndim) if axis not in rows]
        n_rows = int(np.prod([weights.shape[axis] for axis in rows]))
        matrix = weights.transpose(*rows, *columns).reshape(n_rows, -1)
        total += float(np.linalg.svd(matrix, compute_uv=False).sum())
    return total


def negative_log_prior(weights: Array, features: Array, outputs: Array, tasks: Array) -> float:
    """With the dense covariance of all weights, a Kronecker product."""
    vector = weights.reshape(-1)  # task slowest, feature fastest
    covariance = np.kron(tasks, np.kron(outputs, features))
    return (
        float(vector @ np.linalg.solve(covariance, vector) + np.linalg.slogdet(covariance)[1]) / 2
    )


def best_covariances(
    weights: Array, features: Array, outputs: Array, tasks: Array
) -> tuple[Array, Array, Array]:
    """Each covariance's best value given the other two, by unfoldings and Kronecker products."""

    def best(axis: int, first: Array, second: Array) -> Array:
        matrix = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
        other = np.linalg.inv(np.kron(first, second))
        return np.asarray(matrix @ other @ matrix.T) / matrix.shape[1]

    return best(2, tasks, outputs), best(1, tasks, features), best(0, outputs, features)


def subspace_overlap(weights: Array, n_subspaces: int) -> float:
    """Pair of subspaces by pair, task by task."""
    total = 0.0
    for task in weights:
        parts = np.split(task.reshape(len(task), -1), n_subspaces)
        for a in range(n_subspaces):
            for b in range(a + 1, n_subspaces):
                total += float(((parts[a] @ parts[b].T) ** 2).sum())
    return total
