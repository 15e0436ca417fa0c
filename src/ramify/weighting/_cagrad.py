"""The direction near the mean gradient in which the worst task improves most."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from ramify._core import check_number, checked
from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import cosines_of, shortest_mixture

_TOLERANCE, _MOST_STEPS = 1e-8, 50
_NO_LENGTH = 1e-4  # of the mean length of what is mixed


def cagrad(gram: Float[np.ndarray, "task task"], radius: float) -> Vector:
    r"""Weights of :math:`d = g_0 + \frac{c \|g_0\|}{\|g_w\|} g_w`, with the best mixture *w*.

    :math:`g_0` is the mean gradient and :math:`w` minimises over the simplex

    .. math:: g_w^\top g_0 + c \|g_0\| \|g_w\|.

    With :math:`\|g_w\| = \min_{\tau > 0} (\|g_w\|^2 / \tau + \tau) / 2` this is a shortest-mixture
    problem for every τ, and the best τ is the length of its mixture. As long as the same tasks have
    a share, shares are linear in τ, which tells the best one; so two such problems mostly do.

    Where :math:`g_0` has no length, the direction is :math:`g_0`. Where the mixture has none
    (below 1e-4 of what it mixes), no direction helps all tasks, and there is none.

    Args:
        gram: With a positive diagonal.
        radius: c: how far from the mean gradient, as a multiple of its length. Below 1 it
            converges to a minimum of the mean loss; from 1 on it harms no task.

    Returns:
        Weights of 1 or more, in sum n + n c ‖g₀‖ / ‖g_w‖; a single task gets 1 + c. All 0 where the
        mixture has no length.

    References:
        Liu, Liu, Jin, Stone, Liu. *Conflict-Averse Gradient Descent for Multi-task Learning*,
        NeurIPS 2021, algorithm 1. Its code has a small number below the fraction; stopping where
        the mixture vanishes is TorchJD's.
    """
    n_tasks = len(gram)
    mean = gram.mean(axis=1)  # inner products with the mean gradient
    square, lengths = max(float(mean.mean()), 0.0), np.sqrt(gram.diagonal())
    reach, length = radius * sqrt(square), sqrt(square)
    if reach <= 1e-3 * _NO_LENGTH * lengths.mean():
        return np.ones(n_tasks)
    for _ in range(_MOST_STEPS):
        shift = length / reach
        moved = gram + shift * (mean[:, None] + mean) + shift**2 * square
        np.fill_diagonal(moved, moved.diagonal().clip(min=np.finfo(float).tiny))
        shares = shortest_mixture(*cosines_of(moved))
        before, length = length, sqrt(max(float(shares @ gram @ shares), 0.0))
        if length <= _NO_LENGTH * (shares @ lengths):
            return np.zeros(n_tasks)
        if abs(before - length) <= _TOLERANCE * before:
            break
        length = _best_length(gram, mean / reach, shares > 0) or length
    return 1 + n_tasks * reach / length * shares


def _best_length(gram: Matrix, slopes: Vector, sharing: NDArray[np.bool_]) -> float | None:
    """The length of the best mixture if these tasks have shares; None if that cannot be told.

    The shares are p + τ q with the sum of p 1, that of q 0, and p and q conjugate. So the square of
    the mixture's length is that of p plus τ² times that of q, and it is to be τ².
    """
    inner = gram[np.ix_(sharing, sharing)]
    both = np.stack([np.ones(len(inner)), slopes[sharing]], axis=1)
    try:
        ones, steered = np.linalg.solve(inner, both).T
    except np.linalg.LinAlgError:  # dependent gradients
        return None
    along = ones * steered.sum() / ones.sum() - steered
    rest = ones.sum() * (1 - along @ inner @ along)
    return 1 / sqrt(rest) if rest > 0 else None


@checked
@dataclass(frozen=True)
class CAGrad(GramWeighting):
    """Conflict-averse gradient descent: see `cagrad`.

    Attributes:
        radius: c. 0 or more; 0 gives equal weights.

    Raises:
        InputError: If the radius is out of range.
    """

    name = "cagrad"
    label = "near the mean gradient, for the worst task"

    radius: float = 0.4

    def __post_init__(self) -> None:
        """Check the radius."""
        check_number("radius", self.radius)

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `cagrad`."""
        return cagrad(gram, self.radius)
