"""Alternations as the papers print them, with every system written out."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def squared_loss(X: Array, Y: Array, coef: Array) -> float:
    """Half the mean squared error of every task, summed; rows and labels are centred."""
    return float(((X @ coef.T - Y) ** 2).sum() / (2 * len(X)))


def feature_learning(
    X: Array, Y: Array, alpha: float, n_turns: int
) -> Iterator[tuple[Array, float]]:
    """Argyriou, Evgeniou and Pontil, with less and less smoothing: coefficients, and objective."""
    n_rows, n_features = X.shape
    D = np.eye(n_features) / n_features
    for turn in range(n_turns):
        system = X.T @ X / n_rows + alpha * np.linalg.inv(D)
        coef = np.stack([np.linalg.solve(system, X.T @ y / n_rows) for y in Y.T])
        floor = max(1e-2 * 0.9**turn, 1e-5)
        root = matrix_root(coef.T @ coef + floor**2 * np.eye(n_features))
        yield coef, squared_loss(X, Y, coef) + alpha / 2 * float(np.trace(root)) ** 2
        D = root / np.trace(root)


def task_relationship(
    X: Array, Y: Array, alpha: float, ridge: float, n_turns: int
) -> Iterator[tuple[Array, Array]]:
    """Zhang and Yeung: coefficients and task covariance of each turn, by the Kronecker system."""
    n_tasks = Y.shape[1]
    omega = np.eye(n_tasks) / n_tasks
    for turn in range(n_turns):
        coupling = alpha * ridge * np.eye(n_tasks) + alpha * np.linalg.inv(omega)
        coef = coupled_ridge(X, Y, coupling)
        yield coef, omega
        floor = max(1e-2 * 0.9**turn, 1e-5)
        root = matrix_root(coef @ coef.T + floor**2 * np.eye(n_tasks))
        omega = root / np.trace(root)


def clustered_tasks(
    X: Array, Y: Array, weights: tuple[float, float, float], n_clusters: int, n_turns: int
) -> Iterator[tuple[Array, Array]]:
    """Jacob, Bach and Vert: coefficients and cluster matrix of each turn, by the Kronecker system."""
    mean, between, within = weights
    n_tasks = Y.shape[1]
    U = np.full((n_tasks, n_tasks), 1 / n_tasks)
    centre = np.eye(n_tasks) - U
    share = np.full(n_tasks, (n_clusters - 1) / (n_tasks - 1))
    vectors = np.linalg.eigh(centre)[1]
    share[0] = 0.0  # the constant direction
    for _ in range(n_turns):
        spread = (vectors * (1 / (1 / within + share * (1 / between - 1 / within)))) @ vectors.T
        coef = coupled_ridge(X, Y, mean * U + centre @ spread @ centre)
        yield coef, U + (vectors * share) @ vectors.T
        values, vectors = np.linalg.eigh(centre @ coef @ coef.T @ centre)
        share = _shares(np.sqrt(values.clip(min=0)), 1 / within, 1 / between, n_clusters - 1)


def coupled_ridge(X: Array, Y: Array, coupling: Array) -> Array:
    """The least of the loss plus half of the trace of W' K W, by one system over all tasks."""
    n_rows, n_features = X.shape
    n_tasks = Y.shape[1]
    system = np.kron(np.eye(n_tasks), X.T @ X / n_rows) + np.kron(coupling, np.eye(n_features))
    return np.linalg.solve(system, (X.T @ Y / n_rows).T.ravel()).reshape(n_tasks, n_features)


def basis_for(X: Array, Y: Array, codes: Array, alpha: float) -> Array:
    """Kumar and Daumé: the best basis for given codes, by one system over all directions."""
    n_rows, n_features = X.shape
    system = np.kron(codes.T @ codes, X.T @ X / n_rows)
    system += alpha * np.eye(len(system))
    return np.linalg.solve(system, (codes.T @ Y.T @ X / n_rows).ravel()).reshape(-1, n_features)


def matrix_root(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    root: Array = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


def _shares(singular: Array, low: float, high: float, budget: int) -> Array:
    """Eigenvalues of M in [0, 1] that sum to the budget, by bisection."""
    least, most = 0.0, high / singular[singular > 1e-12].min() + 1
    for _ in range(200):
        middle = (least + most) / 2
        variances = np.clip(middle * singular, low, high)
        if ((variances - low) / (high - low)).sum() > budget:
            most = middle
        else:
            least = middle
    shares: Array = (np.clip(least * singular, low, high) - low) / (high - low)
    return shares
