"""The direction that all tasks' gradients project onto alike."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import NOISE, cosines_of


def imtl_g(gram: Float[np.ndarray, "task task"]) -> Vector:
    r"""Weights of the direction that has equal projections onto all unit gradients.

    With :math:`d_t = \|g_t\|`, the weights are in proportion to :math:`\alpha = G^{-1} d`; where the
    gradients are dependent, to :math:`G^+ d`. Where the sum of α vanishes, as for two opposed
    gradients, every gradient counts with one length instead. Where it is negative, the equal
    projections are negative too: the direction climbs for all tasks, as it is in the paper.

    Args:
        gram: With a positive diagonal.

    Returns:
        Weights in sum n; some may be negative.

    References:
        Liu et al. *Towards Impartial Multi-task Learning*, ICLR 2021, eq. (6); with a
        pseudo-inverse, as for dependent gradients in Quinton, Rey. *Jacobian Descent for
        Multi-Objective Optimization*, 2024.

    Example:
        >>> imtl_g(np.array([[1.0, 0.0], [0.0, 4.0]])).round(4)
        array([1.3333, 0.6667])
    """
    cosines, lengths = cosines_of(gram)
    if np.linalg.eigvalsh(cosines)[0] > NOISE:
        scores = np.linalg.solve(cosines, np.ones(len(gram))) / lengths
    else:
        scores = np.linalg.pinv(gram, rcond=NOISE, hermitian=True) @ lengths
    if abs(scores.sum()) <= NOISE * np.abs(scores).sum():
        scores = 1 / lengths
    weights: Vector = len(gram) * scores / scores.sum()
    return weights


@dataclass(frozen=True)
class IMTLG(GramWeighting):
    """Impartial multi-task learning, gradient part: see `imtl_g`."""

    name = "imtl-g"
    label = "equal projections of the gradients"

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `imtl_g`."""
        return imtl_g(gram)
