"""Weights of members by greedy selection, from the products of their residuals alone."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDS = 25


def greedy_weights(
    products: Float[np.ndarray, "problem member member"], rounds: int = ROUNDS
) -> Float[np.ndarray, "problem member"]:
    r"""Choose members one by one, each again as often as it helps, for many problems at once.

    The squared error of a mixture is :math:`w^T R w`, where *R* holds the products of the members'
    residuals; so the rows are looked at only once, and a round costs a few operations per member.
    Starting from nothing, each round adds the member with which the plain mean of all that were
    added has the least error; the weights of the best round are the answer.

    Args:
        products: *R* of each problem.
        rounds: How many.

    Returns:
        0 or more, the sum of each problem is 1.

    References:
        Caruana, Niculescu-Mizil, Crew, Ksikes. *Ensemble Selection from Libraries of Models*, ICML
        2004, sections 2 and 2.1.

    Example:
        >>> import numpy as np
        >>> opposed = np.array([[[1.0, -0.5], [-0.5, 1.0]]])
        >>> greedy_weights(opposed).tolist()
        [[0.5, 0.5]]
    """
    n_problems, n_members = products.shape[:2]
    every = np.arange(n_problems)
    own = np.einsum("pmm->pm", products)
    counts = np.zeros((n_problems, n_members))
    image = np.zeros_like(counts)  # products @ counts
    total = np.zeros(n_problems)  # counts @ products @ counts
    best = np.full(n_problems, np.inf)
    weights = np.zeros_like(counts)
    for n in range(1, rounds + 1):
        errors = (total[:, None] + 2 * image + own) / n**2
        chosen = errors.argmin(axis=1)
        total += 2 * image[every, chosen] + own[every, chosen]
        counts[every, chosen] += 1
        image += products[every, :, chosen]
        error = errors[every, chosen]
        better = error < best * (1 - 1e-12)
        best = np.where(better, error, best)
        weights[better] = counts[better] / n
    return weights
