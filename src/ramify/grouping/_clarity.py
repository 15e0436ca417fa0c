"""How clearly an affinity shows a partition."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from sklearn.metrics import silhouette_score

from ramify._core import ShapeError
from ramify.grouping._evidence import cleaned_affinity, has_evidence


def clarity(affinity: Float[np.ndarray, "task task"], groups: Sequence[Sequence[int]]) -> float:
    """Mean silhouette of a partition of the tasks, in [−1, 1]; higher is clearer.

    How much nearer a task is to its own group than to the nearest other one, with the distance
    1 − affinity; 0 for a task alone, for a single group, and where the affinity knows fewer than a
    quarter of the pairs.

    Args:
        affinity: Of the tasks, in [0, 1].
        groups: For each group, the places of its tasks.

    Raises:
        ShapeError: If the groups are no partition of the tasks.

    References:
        Rousseeuw. *Silhouettes*, 1987.

    Example:
        >>> import numpy as np
        >>> a = np.full((4, 4), 0.5) + 0.4 * np.kron(np.eye(2), np.ones((2, 2))) + 0.1 * np.eye(4)
        >>> round(clarity(a, [[0, 1], [2, 3]]), 3), clarity(a, [[0, 1, 2, 3]])
        (0.8, 0.0)
    """
    distances = 1 - cleaned_affinity(affinity)
    np.fill_diagonal(distances, 0.0)
    labels = np.full(len(distances), -1)
    for g, group in enumerate(groups):
        labels[list(group)] = g
    if (labels < 0).any() or sum(len(group) for group in groups) != len(labels):
        requirement = f"must hold each of the {len(labels)} tasks exactly once"
        raise ShapeError(requirement, argument="groups")
    if not (1 < len(groups) < len(labels) and has_evidence(affinity)):
        return 0.0
    return float(silhouette_score(distances, labels, metric="precomputed"))
