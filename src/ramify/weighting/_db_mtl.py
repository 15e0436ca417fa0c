"""Losses on a logarithmic scale, gradients of one length."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ramify.weighting._base import GramWeighting, Matrix, Places, Vector

_TINY = 1e-8


def db_mtl(gram: Float[np.ndarray, "task task"], losses: Float[np.ndarray, " task"]) -> Vector:
    r"""Weights of the sum of the log-losses' gradients, all made as long as the longest.

    .. math:: w_t = \frac{1}{\|g_t\|} \max_k \frac{\|g_k\|}{\ell_k}

    Difference from the paper: no moving average of the gradients, which at the features of changing
    rows would average what does not belong together.

    Args:
        gram: With a positive diagonal.
        losses: Positive.

    Returns:
        Positive weights; a single task gets 1 / ℓ, which makes its loss log ℓ.

    References:
        Lin et al. *Dual-Balancing for Multi-Task Learning*, 2023, eqs. (2) and (4).
    """
    lengths = np.sqrt(gram.diagonal())
    weights: Vector = (lengths / (losses + _TINY)).max() / lengths
    return weights


@dataclass(frozen=True)
class DBMTL(GramWeighting):
    """Dual balancing of losses and gradients: see `db_mtl`."""

    name = "db-mtl"
    label = "gradients as long as the longest"

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `db_mtl`."""
        return db_mtl(gram, losses)
