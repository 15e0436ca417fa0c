"""How alike the tasks are, by what a run learned, for its record."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ramify.networks import TaskNetwork
from ramify.records import AffinityInfo
from ramify.runs._linear_sharing import LinearSharing
from ramify.sharing import FullyAdaptive, Relationship, SelectiveSharing
from ramify.training import Fitted

_AFFINITY_WORDS = {
    "margins": "Share of rows that are easy for both tasks or difficult for both; rare labels push "
    "it towards 1 for every pair.",
    "margins-corrected": "The same with chance agreement taken out: 1/2 is unrelated, 1 always "
    "together.",
    "gradient-cosine": "Whether both tasks want the same of the shared features, by the cosine of "
    "their gradients there: 1/2 is unrelated, 1 always the same, 0 always the opposite.",
    "gradient-factors": "Whether both tasks want the same of the shared features, in the few "
    "directions that carry most of their gradients: 1/2 is unrelated.",
}

_LINEAR_AFFINITY = (
    "How the method found the tasks to relate while it estimated them; higher is closer, negative "
    "is opposed."
)

_ESTIMATORS_AFFINITY = (
    "Cosine of what the tasks' gradients have in common, at the last look that changed the groups; "
    "1 is the same direction, 0 unrelated, negative opposed."
)

_RELATIONSHIP_AFFINITY = (
    "Correlation of the tasks in the prior that was learned with their weights, the mean over "
    "layers; 1 is the same direction, 0 unrelated, where all pairs start, negative opposed."
)


def affinity_of(fitted: Fitted) -> dict[str, AffinityInfo]:
    """Every measure of how alike the tasks are that a fit has.

    Args:
        fitted: A network and how it was learned.
    """
    sharing, names = fitted.sharing, fitted.network.tasks.names
    if isinstance(sharing, FullyAdaptive):
        return _of_tree(sharing, names) if len(names) > 1 else {}
    if isinstance(sharing, LinearSharing):
        found = {sharing.name: (sharing.affinity, _LINEAR_AFFINITY)}
    elif isinstance(sharing, SelectiveSharing):
        found = {"gradient-factors": (sharing.matrix(), _ESTIMATORS_AFFINITY)}
    elif isinstance(sharing, Relationship):
        name = "task-covariance"
        found = {name: (sharing.affinities().get(name), _RELATIONSHIP_AFFINITY)}
    else:
        return _relations(fitted.network)
    used = not isinstance(sharing, Relationship)  # its prior makes no tree
    return {
        name: _info(names, matrix, words, used=used)
        for name, (matrix, words) in found.items()
        if matrix is not None
    }


def _of_tree(sharing: FullyAdaptive, names: Sequence[str]) -> dict[str, AffinityInfo]:
    return {
        name: _info(names, matrix, _AFFINITY_WORDS[name], used=name == sharing.affinity)
        for name, matrix in sharing.affinities().items()
    }


def _relations(network: TaskNetwork) -> dict[str, AffinityInfo]:
    names = network.tasks.names
    return {
        each.name: _info(names, each.matrix, each.meaning, used=False)
        for each in network.relations()
    }


def _info(
    names: Sequence[str], matrix: NDArray[np.float64], words: str, *, used: bool
) -> AffinityInfo:
    known = [[None if np.isnan(v) else round(float(v), 6) for v in row] for row in matrix]
    return AffinityInfo(tasks=list(names), matrix=known, description=words, used=used)
