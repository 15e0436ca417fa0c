"""Balanced partitions of things that are alike, by spectral clustering."""

from collections.abc import Iterator
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import ClusterError, kmeans2
from scipy.linalg import eigh

_N_PROPOSALS = 5
_N_STARTS = 10
_N_ITERATIONS = 20


def spectral_labelings(
    embedding: NDArray[np.float64], n_groups: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Propose partitions into ``n_groups`` groups, five times.

    Normalised spectral clustering (Shi and Malik 2000; von Luxburg 2007): rows of the leading
    eigenvectors, grouped by the tightest of ten k-means runs.

    Args:
        embedding: What `spectral_embedding` gave, of at least ``n_groups`` columns.
        n_groups: From 2 to one less than the number of rows.
        seed: Of the k-means starts.

    Yields:
        For each row, its group; a proposal may have fewer groups than asked for.
    """
    rows = embedding[:, -n_groups:]
    rng = np.random.default_rng([seed, n_groups])
    for _ in range(_N_PROPOSALS):
        runs = [_k_means(rows, _spread_rows(rows, n_groups, rng)) for _ in range(_N_STARTS)]
        yield min(runs, key=lambda run: run[0])[1]


def spectral_embedding(affinity: NDArray[np.float64], n_vectors: int) -> NDArray[np.float64]:
    """Leading eigenvectors of the normalised affinity, scaled by degree, the leading one last.

    They come from one dense symmetric solver, which also copes with affinities that fall into
    unconnected parts.

    Args:
        affinity: Symmetric, 0 or more.
        n_vectors: How many.
    """
    n = len(affinity)
    scale = 1 / np.sqrt(affinity.sum(axis=1).clip(min=np.finfo(float).tiny))
    normalised = affinity * scale[:, None] * scale[None, :]
    _, vectors = eigh(normalised, subset_by_index=(n - n_vectors, n - 1))
    # A vector and its negative are the same direction: fix the sign so that runs repeat.
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.where(vectors[largest, np.arange(n_vectors)] < 0, -1.0, 1.0)
    embedding: NDArray[np.float64] = vectors * signs * scale[:, None]
    return embedding


def _spread_rows(
    rows: NDArray[np.float64], n_groups: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Starting centres far from each other (k-means++, Arthur and Vassilvitskii 2007)."""
    chosen = [int(rng.integers(len(rows)))]
    nearest = ((rows - rows[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < n_groups:
        total = nearest.sum()
        weights = nearest / total if total > 0 else None
        chosen.append(int(rng.choice(len(rows), p=weights)))
        nearest = np.minimum(nearest, ((rows - rows[chosen[-1]]) ** 2).sum(axis=1))
    return rows[chosen]


def _k_means(
    rows: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[float, NDArray[np.int64]]:
    """Sum of squared distances to the centres, and the labels; infinite if a group ran empty."""
    try:
        centres, labels = kmeans2(
            rows, centres, iter=_N_ITERATIONS, minit="matrix", missing="raise"
        )
    except ClusterError:
        return inf, np.zeros(len(rows), dtype=np.int64)
    return float(((rows - centres[labels]) ** 2).sum()), labels.astype(np.int64)
