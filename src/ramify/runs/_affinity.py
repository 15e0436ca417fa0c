"""How alike the tasks are, by what a run learned, for its record."""

import numpy as np

from ramify.records import AffinityInfo
from ramify.sharing import Affinity
from ramify.training import Fitted


def affinity_of(fitted: Fitted) -> dict[str, AffinityInfo]:
    """Every measure of how alike the tasks are that a fit has; none of a single task.

    Args:
        fitted: A network and how it was learned.
    """
    names = fitted.network.tasks.names
    if len(names) == 1:
        return {}
    parts = {each.name: Affinity(each.matrix, each.meaning) for each in fitted.network.relations()}
    return {
        name: AffinityInfo(
            tasks=list(names), matrix=_known(each), description=each.meaning, used=each.used
        )
        for name, each in (parts | fitted.sharing.affinities()).items()
    }


def _known(affinity: Affinity) -> list[list[float | None]]:
    return [[None if np.isnan(v) else round(float(v), 6) for v in row] for row in affinity.matrix]
