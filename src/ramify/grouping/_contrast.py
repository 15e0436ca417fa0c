"""Stretching an affinity so that the pairs that are as alike as pairs get stand near 1."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from ramify.grouping._evidence import cleaned_affinity, unknown_pairs

_LEAST_AGREEMENT = 0.1


def contrasted(affinity: Float[np.ndarray, "task task"]) -> NDArray[np.float64]:
    r"""Stretch a chance-corrected affinity around 1/2 until the typical nearest pair is at 1.

    .. math:: A' = \tfrac12 \bigl(1 + \min(1, (2A - 1) / q)\bigr), \qquad
              q = \max(0.1, \mathrm{median}_i \max_{j \ne i} (2 A(i, j) - 1))

    Noise keeps even two copies of one task from agreeing on which samples are difficult. The
    separation cost measures the distance from 1, so without the stretch a group of tasks that
    belong together pays nearly as much as one of strangers, and a task alone, which pays nothing,
    always seems best. Unrelated tasks stay at 1/2: the floor of 0.1 keeps noise from being
    stretched. This step is ours, not the paper's.

    Args:
        affinity: In [0, 1], where 1/2 means unrelated; NaN for a pair never seen.

    Returns:
        Symmetric, 1 on the diagonal, in [0, 1]; NaN for the same pairs.

    Example:
        >>> import numpy as np
        >>> a = np.array([[1.0, 0.7, 0.5], [0.7, 1.0, 0.5], [0.5, 0.5, 1.0]])
        >>> contrasted(a).round(3)
        array([[1. , 1. , 0.5],
               [1. , 1. , 0.5],
               [0.5, 0.5, 1. ]])
    """
    agreement = 2 * cleaned_affinity(affinity) - 1
    if len(agreement) == 1:
        return np.ones((1, 1))
    unknown = tuple(unknown_pairs(affinity).T)
    np.fill_diagonal(agreement, -np.inf)
    agreement[unknown] = agreement[unknown[::-1]] = -np.inf
    nearest = agreement.max(axis=1)
    nearest = nearest[np.isfinite(nearest)]
    typical = max(_LEAST_AGREEMENT, float(np.median(nearest)) if len(nearest) else 0.0)
    agreement /= typical
    stretched: NDArray[np.float64] = (1 + agreement.clip(-1, 1, out=agreement)) / 2
    stretched[unknown] = stretched[unknown[::-1]] = np.nan
    np.fill_diagonal(stretched, 1.0)
    return stretched
