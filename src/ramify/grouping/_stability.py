"""How reliably a group of tasks comes back when the evidence is drawn again."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ramify.grouping._path import tree_of_widths
from ramify.tasks import SharingTree


def group_stability(
    tree: SharingTree, resampled: Iterable[NDArray[np.float64]], *, seed: int = 0
) -> list[list[float]]:
    """Stability of every group of a tree, in [0, 1]; 1 means that it always came back.

    For each redrawn affinity a tree of the same widths is grown; a group's stability is the mean
    over the draws of its greatest Jaccard overlap with a group of the same stage (Hennig 2007).
    As a rule of thumb, above 0.85 is stable and below 0.6 is chance.

    Args:
        tree: The tree.
        resampled: Affinities from evidence drawn anew.
        seed: Of the spectral proposals.

    Returns:
        For each stage, for each of its groups, the stability.
    """
    draws = [tree_of_widths(a, tree.tasks, tree.widths, seed=seed) for a in resampled]
    return [
        [
            float(np.mean([_best_overlap(group, draw.stages[stage]) for draw in draws]))
            for group in groups
        ]
        for stage, groups in enumerate(tree.stages)
    ]


def _best_overlap(group: Iterable[str], others: Iterable[Iterable[str]]) -> float:
    members = set(group)
    return max(len(members & set(other)) / len(members | set(other)) for other in others)
