"""How reliably a group of tasks comes back when the evidence is drawn again."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from ramify.grouping._path import tree_of_widths
from ramify.tasks import SharingTree

Labels = Int[np.ndarray, " task"]


def group_stability(
    tree: SharingTree, resampled: Iterable[NDArray[np.float64]], *, seed: int = 0
) -> list[list[float]]:
    """Stability of every group of a tree, in [0, 1]; 1 means that it always came back.

    For each redrawn affinity a tree of the same widths is grown; a group's stability is the mean
    over the draws of its greatest Jaccard overlap with a group of the same stage (Hennig 2007).
    As a rule of thumb, above 0.85 is stable and below 0.6 is chance.

    Affinities drawn anew from one training tell how certain that training was of the tree, not
    whether another training would find it.

    Args:
        tree: The tree.
        resampled: Affinities from evidence drawn anew; NaN for a pair never seen.
        seed: Of the spectral proposals.

    Returns:
        For each stage, for each of its groups, the stability.
    """
    draws = [tree_of_widths(a, tree.tasks, tree.widths, seed=seed) for a in resampled]
    return [
        np.mean(
            [_best_overlaps(tree.assignment(stage), draw.assignment(stage)) for draw in draws],
            axis=0,
        ).tolist()
        for stage in range(tree.n_stages)
    ]


def _best_overlaps(labels: Labels, others: Labels) -> Float[np.ndarray, " group"]:
    """For each group of one partition, its greatest Jaccard overlap with one of another."""
    shared = np.zeros((labels.max() + 1, others.max() + 1))
    np.add.at(shared, (labels, others), 1)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0) - shared
    best: Float[np.ndarray, " group"] = (shared / union).max(axis=1)
    return best
