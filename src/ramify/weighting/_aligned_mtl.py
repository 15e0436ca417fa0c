"""The tasks' gradients made orthogonal and of one length."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import NOISE


def aligned_mtl(gram: Float[np.ndarray, "task task"]) -> Vector:
    r"""Weights of the mean of aligned gradients, :math:`\sigma_R V \Sigma^{-1} V^\top 1`.

    :math:`G = V \Sigma^2 V^\top`, and :math:`\sigma_R` is the smallest singular value that is not
    noise (its square is above 1e-6 of the largest). The aligned gradients are orthogonal and all
    of length :math:`\sigma_R`.

    Args:
        gram: With a positive diagonal.

    Returns:
        Weights; some may be negative.

    References:
        Senushkin et al. *Independent Component Alignment for Multi-Task Learning*, CVPR 2023,
        algorithm 1.

    Example:
        >>> aligned_mtl(np.array([[1.0, 0.0], [0.0, 4.0]]))
        array([1. , 0.5])
    """
    values, vectors = np.linalg.eigh(gram)
    real = values > NOISE * values[-1]
    values, vectors = values[real], vectors[:, real]
    weights: Vector = vectors @ (np.sqrt(values[0] / values) * vectors.sum(axis=0))
    return weights


@dataclass(frozen=True)
class AlignedMTL(GramWeighting):
    """Independent component alignment: see `aligned_mtl`."""

    name = "aligned-mtl"
    label = "orthogonal gradients of one length"

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `aligned_mtl`."""
        return aligned_mtl(gram)
