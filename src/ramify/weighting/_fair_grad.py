"""The direction that shares out progress fairly, from equal weights to the worst task first."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ramify._core import check_number, checked
from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import NOISE, cosines_of

_TOLERANCE, _MOST_STEPS, _LEAST_STEP = 1e-10, 300, 1e-10
_FARTHEST = 0.99  # of the way to 0
_LEAST_FAIRNESS, _MOST_FAIRNESS = 0.01, 100.0  # beyond, powers leave the range of numbers


def fair_grad(gram: Float[np.ndarray, "task task"], fairness: float) -> Vector:
    r"""Weights of the α-fair direction: :math:`G w = w^{-1/\alpha}` with w > 0.

    It maximises :math:`\sum_t (g_t^\top d)^{1 - \alpha} / (1 - \alpha)` over directions of one
    length. With α = 1 that is `nash_mtl`; towards 0 all weights become equal; towards ∞ the task
    that gains least counts alone. Found as the minimum of the convex :math:`\tfrac12 w^\top G w -
    \sum_t \int w_t^{-1/\alpha}` by Newton steps that are halved while it does not fall, with
    1e-6 of each gradient's square on the diagonal so that opposed gradients have a solution too.

    Difference from the paper: the weights keep the sum of the gradients' lengths,
    :math:`\sum_t w_t \|g_t\| = \sum_t \|g_t\|`, as `nash_mtl` does; there, the shorter all
    gradients become, the larger the weights.

    Args:
        gram: With a positive diagonal.
        fairness: α, from 0.01 to 100.

    Returns:
        Positive weights.

    References:
        Ban, Ji. *Fair Resource Allocation in Multi-Task Learning*, ICML 2024, eq. (4).

    Example:
        >>> fair_grad(np.array([[1.0, 0.0], [0.0, 4.0]]), 2.0).round(4)
        array([1.6725, 0.6637])
    """
    cosines, lengths = cosines_of(gram)
    matrix = cosines + NOISE * np.eye(len(gram))
    power = 1 / fairness
    # In the unit in which a task alone would have the solution 1; logarithms keep any α in range.
    logs = (power - 1) / (1 + power) * np.log(lengths)
    units = np.exp(logs - logs.max())
    scaled, aims = matrix * units[:, None] * units, units * units
    found = _fair(scaled, aims, power)
    scores: Vector = found * units / lengths
    weights: Vector = scores * (lengths.sum() / (scores @ lengths))
    return weights


def _fair(matrix: Matrix, aims: Vector, power: float) -> Vector:
    """The positive solution of A x = c / x^p."""

    def value(at: Vector) -> float:
        gains = np.log(at) if power == 1 else at ** (1 - power) / (1 - power)
        return float(at @ matrix @ at / 2 - aims @ gains)

    found = np.ones(len(aims))
    for _ in range(_MOST_STEPS):
        slope = matrix @ found - aims * found**-power
        curvature = matrix + np.diag(power * aims * found ** (-power - 1))
        step = np.linalg.solve(curvature, slope)
        decrement = float(slope @ step)
        if decrement <= _TOLERANCE**2 * float(aims.sum()):
            break
        # Never beyond most of the way to 0, and down for certain.
        size, before = (
            min(1.0, _FARTHEST / max(float((step / found).max()), _FARTHEST)),
            value(found),
        )
        while size > _LEAST_STEP and value(found - size * step) > before - size * decrement / 4:
            size /= 2
        found = found - size * step
    return found


@checked
@dataclass(frozen=True)
class FairGrad(GramWeighting):
    """α-fair allocation of progress: see `fair_grad`.

    Attributes:
        fairness: α, from 0.01 to 100; 1 is Nash bargaining, more favours tasks that gain little.

    Raises:
        InputError: If it is out of range.
    """

    name = "fairgrad"
    label = "a fair share of progress for each task"

    fairness: float = 2.0

    def __post_init__(self) -> None:
        """Check the number."""
        check_number("fairness", self.fairness, least=_LEAST_FAIRNESS, most=_MOST_FAIRNESS)

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `fair_grad`."""
        return fair_grad(gram, self.fairness)
