"""The mean of gradients that were each made to harm no task."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ramify._core import check_number, checked
from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import cosines_of
from ramify.weighting._nonnegative import least_nonnegative


def upgrad(gram: Float[np.ndarray, "task task"], noise: float = 1e-4) -> Vector:
    r"""Weights of the sum of all gradients, each projected onto the dual cone.

    The dual cone holds the directions that have no negative inner product with any gradient. The
    projection of :math:`g_i` has the weights :math:`v = e_i + x` with the *x* that solves

    .. math:: \min_{x \ge 0} (e_i + x)^\top (G + \varepsilon \, \mathrm{tr}\,G \cdot I) (e_i + x),

    for all tasks at once (see `least_nonnegative`); a task in conflict with none has x = 0.

    Without :math:`\varepsilon`, nearly dependent gradients get weights of many millions. With it a
    gradient counts as noise as far as its square is below :math:`\varepsilon` of all squares
    together, and the direction may harm a task by as little.

    Args:
        gram: With a positive diagonal.
        noise: :math:`\varepsilon`, 1e-4 as in TorchJD; 0 for the projection itself.

    Returns:
        Weights of 1 or more.

    References:
        Quinton, Rey. *Jacobian Descent for Multi-Objective Optimization*, 2024, proposition 1.

    Example:
        >>> upgrad(np.array([[1.0, -0.5], [-0.5, 1.0]]), noise=0)
        array([1.5, 1.5])
    """
    cosines, lengths = cosines_of(gram + noise * np.trace(gram) * np.eye(len(gram)))
    added = np.zeros_like(cosines)
    conflicting = np.flatnonzero((cosines < 0).any(axis=0))
    added[:, conflicting] = least_nonnegative(cosines, cosines[:, conflicting])
    # In units of each task's own gradient; task i's is the unit of the solution.
    weights: Vector = 1 + (added * lengths).sum(axis=1) / lengths
    return weights


@checked
@dataclass(frozen=True)
class UPGrad(GramWeighting):
    """Unconflicting projection of gradients: see `upgrad`.

    Attributes:
        noise: Share of all squared lengths that counts as noise. 0 or more.

    Raises:
        InputError: If it is out of range.
    """

    name = "upgrad"
    label = "projections that harm no task"

    noise: float = 1e-4

    def __post_init__(self) -> None:
        """Check the number."""
        check_number("noise", self.noise)

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `upgrad`."""
        return upgrad(gram, self.noise)
