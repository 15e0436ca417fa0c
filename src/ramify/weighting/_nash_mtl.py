"""The direction that the tasks would agree on in bargaining."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Float

from ramify._core import checked
from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import NOISE, cosines_of

_TOLERANCE, _MOST_STEPS = 1e-10, 300


def nash_mtl(gram: Float[np.ndarray, "task task"]) -> Vector:
    r"""Weights of the Nash bargaining solution: :math:`G \alpha = 1 / \alpha` with α > 0.

    That is the minimum of the convex :math:`\tfrac12 \alpha^\top G \alpha - \sum_t \log \alpha_t`,
    found by damped Newton steps on the cosines (a task's unit does not matter), with 1e-6 on their
    diagonal so that opposed gradients have a solution too. The paper solves a sequence of
    approximations by a cone program.

    Difference from the paper: there the direction has a fixed length; here the weights keep the sum
    of the gradients' lengths, :math:`\sum_t w_t \|g_t\| = \sum_t \|g_t\|`.

    Args:
        gram: With a positive diagonal.

    Returns:
        Positive weights.

    References:
        Navon et al. *Multi-Task Learning as a Bargaining Game*, ICML 2022, claim 3.1.

    Example:
        >>> nash_mtl(np.array([[1.0, 0.0], [0.0, 4.0]])).round(4)
        array([1.5 , 0.75])
    """
    cosines, lengths = cosines_of(gram)
    scores = _balanced(cosines + NOISE * np.eye(len(gram)))
    weights: Vector = scores / lengths * lengths.sum() / scores.sum()
    return weights


def _balanced(matrix: Matrix) -> Vector:
    """The positive solution of Aβ = 1/β; the decrement tells how far it is, in any scale."""
    found: Vector = 1 / np.sqrt(np.abs(matrix).sum(axis=1))
    for _ in range(_MOST_STEPS):
        slope = matrix @ found - 1 / found
        step = np.linalg.solve(matrix + np.diag(found**-2.0), slope)
        decrement = sqrt(max(float(slope @ step), 0.0))
        found = found - step / (1 + decrement)  # stays positive: the function is self-concordant
        if decrement <= _TOLERANCE:
            break
    return found


@checked
@dataclass(frozen=True)
class NashMTL(GramWeighting):
    """Multi-task learning as a bargaining game: see `nash_mtl`."""

    name = "nash-mtl"
    label = "a bargain between the gradients"

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `nash_mtl`."""
        return nash_mtl(gram)
