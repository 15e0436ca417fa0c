"""The direction near the mean gradient in which the worst task improves most."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from jaxtyping import Float

from ramify._core import InputError
from ramify.records import Setting
from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import cosines_of, root_of, shortest_mixture

_TOLERANCE, _MOST_STEPS, _NO_LENGTH = 1e-6, 100, 1e-7


def cagrad(gram: Float[np.ndarray, "task task"], radius: float) -> Vector:
    r"""Weights of :math:`d = g_0 + \frac{c \|g_0\|}{\|g_w\|} g_w`, with the best mixture *w*.

    :math:`g_0` is the mean gradient and :math:`w` minimises over the simplex

    .. math:: g_w^\top g_0 + c \|g_0\| \|g_w\|.

    With :math:`\|g_w\| = \min_{\tau > 0} (\|g_w\|^2 / \tau + \tau) / 2` this is a shortest-mixture
    problem for every τ, and jointly convex; τ and *w* are improved in turn. Where :math:`g_0` or
    the mixture has no length, the direction is :math:`g_0`.

    Args:
        gram: With a positive diagonal.
        radius: c: how far from the mean gradient, as a multiple of its length. Below 1 it
            converges to a minimum of the mean loss.

    Returns:
        Weights of 1 or more, in sum n + n c ‖g₀‖ / ‖g_w‖; a single task gets 1 + c.

    References:
        Liu, Liu, Jin, Stone, Liu. *Conflict-Averse Gradient Descent for Multi-task Learning*,
        NeurIPS 2021, algorithm 1.
    """
    n_tasks = len(gram)
    cosines, lengths = cosines_of(gram)
    root = root_of(cosines) * lengths
    mean = root.mean(axis=1)
    reach = radius * float(np.linalg.norm(mean))
    length = float(np.linalg.norm(mean))
    shares, ones = np.full(n_tasks, 1 / n_tasks), np.ones(n_tasks)
    if reach <= _NO_LENGTH:
        return ones
    for _ in range(_MOST_STEPS):
        moved = root + length / reach * mean[:, None]
        sizes = np.linalg.norm(moved, axis=0).clip(min=_NO_LENGTH)
        shares = shortest_mixture(moved / sizes, sizes)
        before, length = length, float(np.linalg.norm(root @ shares))
        if abs(before - length) <= _TOLERANCE * before or length <= _NO_LENGTH:
            break
    return ones if length <= _NO_LENGTH else ones + n_tasks * reach / length * shares


@dataclass(frozen=True)
class CAGrad(GramWeighting):
    """Conflict-averse gradient descent: see `cagrad`.

    Attributes:
        radius: c. 0 or more; 0 gives equal weights.

    Raises:
        InputError: If the radius is out of range.
    """

    radius: float = 0.4

    def __post_init__(self) -> None:
        """Check the radius."""
        if not (isfinite(self.radius) and self.radius >= 0):
            raise InputError(f"`radius` must be finite and 0 or more. Got {self.radius}")

    @property
    def name(self) -> str:
        """The word for it on the command line and in the record."""
        return "cagrad"

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record."""
        return {"radius": self.radius}

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `cagrad`."""
        return cagrad(gram, self.radius)
