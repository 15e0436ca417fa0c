"""The shortest convex combination of the tasks' gradients."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ramify.weighting._base import GramWeighting, Matrix, Places, Vector
from ramify.weighting._gram import cosines_of, shortest_mixture


def mgda(gram: Float[np.ndarray, "task task"]) -> Vector:
    r"""Shares of the shortest mixture, :math:`\min_{\alpha \in \Delta} \alpha^\top G \alpha`.

    Every task's gradient has an inner product with the mixture of at least its squared length, so
    it is a descent direction for all tasks, or 0 at a Pareto-stationary point.

    Args:
        gram: With a positive diagonal.

    Returns:
        Weights on the simplex times the number of tasks.

    References:
        Désidéri. *Multiple-gradient descent algorithm (MGDA) for multiobjective optimization*,
        2012. Sener, Koltun. *Multi-Task Learning as Multi-Objective Optimization*, NeurIPS 2018,
        eq. (3); solved there by Frank-Wolfe steps, here exactly.

    Example:
        >>> mgda(np.array([[1.0, 0.0], [0.0, 4.0]]))
        array([1.6, 0.4])
    """
    return len(gram) * shortest_mixture(*cosines_of(gram))


@dataclass(frozen=True)
class MGDA(GramWeighting):
    """Multiple-gradient descent: see `mgda`. Tasks with short gradients get most of the weight."""

    name = "mgda"
    label = "the shortest combination of gradients"

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `mgda`."""
        return mgda(gram)
