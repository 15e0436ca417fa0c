"""Clusters of tasks, read out of the relaxed cluster matrix."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from ramify.linear.inputs import Floats, Integers
from ramify.linear.penalties import ClusterPenalty

_MOST_ROUNDS = 50


def cluster_matrix(coef: Floats, penalty: ClusterPenalty) -> Floats:
    r"""The best *M* ``(task, task)`` for given coefficients, of trace at most *r*.

    Its eigenvalues are 1 for the constant vector and :math:`(\theta_i - 1/\varepsilon_W) /
    (1/\varepsilon_B - 1/\varepsilon_W)` for the left singular vectors of the centred coefficients.

    Args:
        coef: Coefficients ``(task, feature)``.
        penalty: The penalty that they were fitted with.
    """
    n_tasks = len(coef)
    left, singular, _ = np.linalg.svd(coef - coef.mean(axis=0), full_matrices=False)
    low, high = 1 / penalty.within, 1 / penalty.between
    share = np.zeros_like(singular)
    if high > low:
        share = (penalty.variances(singular) - low) / (high - low)
    matrix: Floats = 1 / n_tasks + (left * share) @ left.T
    return matrix


def clusters_of(matrix: Floats, n_clusters: int) -> Integers:
    """For each task its cluster, at most ``n_clusters`` of them.

    Ward's tree on the leading eigenvectors, each scaled by the root of its eigenvalue, then
    Lloyd's k-means from there; so nothing is drawn at random.

    Args:
        matrix: *M*, ``(task, task)``, symmetric.
        n_clusters: How many are asked for.
    """
    if n_clusters == 1 or len(matrix) == 1:
        return np.zeros(len(matrix), dtype=np.intp)
    values, vectors = np.linalg.eigh(matrix)
    rows = vectors[:, -n_clusters:] * np.sqrt(values[-n_clusters:].clip(min=0))
    # Distances, because rows that happen to look like a distance matrix would be warned of.
    labels = fcluster(linkage(pdist(rows), "ward"), n_clusters, "maxclust") - 1
    return in_order_of_appearance(_lloyd(rows, labels.astype(np.intp)))


def in_order_of_appearance(labels: Integers) -> Integers:
    """The same groups, numbered in the order of their first members."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _lloyd(rows: Floats, labels: Integers) -> Integers:
    for _ in range(_MOST_ROUNDS):
        centres = np.stack([rows[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
        nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        if (nearest == labels).all() or len(np.unique(nearest)) < len(centres):
            break
        labels = nearest
    return labels
