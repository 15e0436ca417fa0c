"""Linear multi-task models in plain loops and whole matrices, for small problems."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def squared_loss(X: Array, Y: Array, coef: Array) -> float:
    """Half the squared error of each task, averaged over its labelled rows, added up."""
    total = 0.0
    for t in range(Y.shape[1]):
        rows = ~np.isnan(Y[:, t])
        errors = Y[rows, t] - X[rows] @ coef[t]
        errors = errors - errors.mean()
        total += 0.5 * float(np.mean(errors**2))
    return total


def block_sparse(coef: Array, q: float) -> float:
    return sum(float(np.linalg.norm(coef[:, j], q)) for j in range(coef.shape[1]))


def mean_regularised(coef: Array, alpha: float, mean_alpha: float) -> float:
    """The overview's penalty, with a strength of its own for the mean."""
    mean = coef.mean(axis=0)
    apart = sum(float(((row - mean) ** 2).sum()) for row in coef)
    return mean_alpha * float(mean @ mean) + alpha / len(coef) * apart


def graph_penalty(coef: Array, graph: Array, alpha: float, ridge: float) -> float:
    total = ridge / 2 * float((coef**2).sum())
    for s in range(len(coef)):
        for t in range(s):
            total += alpha / 2 * graph[s, t] * float(((coef[s] - coef[t]) ** 2).sum())
    return total


def coupled_ridge(X: Array, Y: Array, coupling: Array) -> Array:
    """The minimum of the loss plus half a coupling of tasks, from one large linear system."""
    n_tasks, n_features = Y.shape[1], X.shape[1]
    system = np.kron(coupling, np.eye(n_features))
    right = np.zeros(n_tasks * n_features)
    for t in range(n_tasks):
        rows = ~np.isnan(Y[:, t])
        own = slice(t * n_features, (t + 1) * n_features)
        inputs = X[rows] - X[rows].mean(axis=0)
        system[own, own] += inputs.T @ inputs / rows.sum()
        right[own] = inputs.T @ (Y[rows, t] - Y[rows, t].mean()) / rows.sum()
    return np.linalg.solve(system, right).reshape(n_tasks, n_features)
