"""How reliably a group of tasks comes back when training is done again."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from ramify._core import InputError
from ramify.grouping._path import tree_of_widths
from ramify.tasks import SharingTree

_N_PERMUTATIONS = 100

Labels = Int[np.ndarray, "*partition task"]


def group_stability(
    tree: SharingTree, affinities: Sequence[NDArray[np.float64]], *, seed: int = 0
) -> list[list[float]]:
    """Stability of every group of a tree, in [0, 1]: 0 as chance has it, 1 always found again.

    For each affinity a tree of the same widths is grown; a group's overlap is the mean over them of
    its greatest Jaccard overlap with a group of the same stage (Hennig 2007). What chance would give
    depends on the sizes of the groups, and is found by dealing the tasks of the grown trees anew;
    stability is the part of the way from there to 1, and never below 0. A group that cannot but come
    back, such as all tasks together, has 1.

    What the affinities come from decides what is told. Those of other trainings, from other seeds
    and rows redrawn, tell whether another training would find the groups. Redrawn evidence of the
    one training that found them does not: a tree that is chance comes back in all of it.

    Args:
        tree: The tree.
        affinities: Of the same tasks, from other trainings; NaN for a pair never seen.
        seed: Of the spectral proposals and of the dealing.

    Returns:
        For each stage, for each of its groups, the stability.

    Raises:
        InputError: If there is no affinity.

    References:
        Hennig. *Cluster-wise assessment of cluster stability*, 2007.

    Example:
        >>> import numpy as np
        >>> a = np.full((6, 6), 0.5) + 0.4 * np.kron(np.eye(2), np.ones((3, 3))) + 0.1 * np.eye(6)
        >>> tree = SharingTree(tuple("abcdef"), ((tuple("abc"), tuple("def")),))
        >>> group_stability(tree, [a, a])
        [[1.0, 1.0]]
    """
    if not affinities:
        raise InputError("must hold one affinity or more", argument="affinities", got="none")
    rng = np.random.default_rng(seed)
    again = [tree_of_widths(each, tree.tasks, tree.widths, seed=seed) for each in affinities]
    found = []
    for stage in range(tree.n_stages):
        labels = tree.assignment(stage)
        others = np.stack([each.assignment(stage) for each in again])
        dealt = rng.permuted(np.repeat(others, _N_PERMUTATIONS, axis=0), axis=1)
        overlap, chance = _best_overlaps(labels, others), _best_overlaps(labels, dealt)
        certain = chance >= 1 - 1e-9
        room = np.where(certain, 1.0, 1 - chance)
        above = np.where(certain, 1.0, (overlap - chance).clip(min=0) / room)
        found.append(above.tolist())
    return found


def _best_overlaps(labels: Labels, others: Labels) -> Float[np.ndarray, " group"]:
    """For each group of one partition, its greatest Jaccard overlap with one of each other, on average."""
    here = labels == np.arange(labels.max() + 1)[:, None]
    best = np.zeros((len(here), len(others)))
    for group in range(int(others.max()) + 1):
        there = others == group
        shared = here.astype(np.int64) @ there.T
        union = here.sum(axis=1)[:, None] + there.sum(axis=1) - shared
        np.maximum(best, shared / union, out=best)
    mean: Float[np.ndarray, " group"] = best.mean(axis=1)
    return mean
