"""The mean of gradients that were each made to harm no task."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ramify.records import Setting
from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import cosines_of, nonnegative, root_of


def upgrad(gram: Float[np.ndarray, "task task"]) -> Vector:
    r"""Weights of the sum of all gradients, each projected onto the dual cone.

    The dual cone holds the directions that have no negative inner product with any gradient. The
    projection of :math:`g_i` has the weights :math:`v = e_i + x` with the *x* that solves

    .. math:: \min_{x \ge 0} \|J^\top (e_i + x)\|^2,

    one problem of non-negative least squares per task; a task in conflict with none has x = 0.

    Args:
        gram: With a positive diagonal.

    Returns:
        Weights of 1 or more. Their direction harms no task.

    References:
        Quinton, Rey. *Jacobian Descent for Multi-Objective Optimization*, 2024, proposition 1.

    Example:
        >>> upgrad(np.array([[1.0, -0.5], [-0.5, 1.0]]))
        array([1.5, 1.5])
    """
    cosines, lengths = cosines_of(gram)
    columns = root_of(cosines)
    weights = np.ones(len(gram))
    for i in np.flatnonzero((cosines < 0).any(axis=1)):
        # In units of each task's own gradient; task i's is the unit of the solution.
        weights += nonnegative(columns, -columns[:, i]) * lengths[i] / lengths
    return weights


@dataclass(frozen=True)
class UPGrad(GramWeighting):
    """Unconflicting projection of gradients: see `upgrad`."""

    @property
    def name(self) -> str:
        """The word for it on the command line and in the record."""
        return "upgrad"

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record."""
        return {}

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `upgrad`."""
        return upgrad(gram)
