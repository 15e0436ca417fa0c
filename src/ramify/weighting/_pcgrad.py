"""Each task's gradient, projected off those that conflict with it."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ramify.tasks import TaskSet
from ramify.weighting._base import GramWeighting, Matrix, Places, Remembering, Vector
from ramify.weighting._random import normal_numbers, random_state


def pcgrad(gram: Float[np.ndarray, "task task"], orders: Int[np.ndarray, "task task"]) -> Vector:
    r"""Weights of the sum of projected gradients.

    Task *i* meets the others one by one; where its gradient, as it then stands, has a negative
    inner product with :math:`g_j`, it loses its part along :math:`g_j`. All tasks take their steps
    side by side, since none looks at what the others have become.

    Args:
        gram: With a positive diagonal.
        orders: Row *i* is the order, a permutation of the tasks, in which task *i* meets them.

    Returns:
        Weights of 1 or more.

    References:
        Yu et al. *Gradient Surgery for Multi-Task Learning*, NeurIPS 2020, algorithm 1.

    Example:
        >>> gram = np.array([[1.0, -0.5], [-0.5, 1.0]])
        >>> pcgrad(gram, np.array([[0, 1], [0, 1]]))
        array([1.5, 1.5])
    """
    every, met_by = np.arange(len(gram)), np.ascontiguousarray(orders.T)
    factors = np.where(met_by == every, 0.0, -1 / gram.diagonal()[met_by])
    mixture = np.eye(len(gram))  # row i: the coefficients of what task i's gradient has become
    for met, factor in zip(met_by, factors, strict=True):
        mixture[every, met] += factor * np.minimum(inner_products(mixture, gram, met), 0)
    weights: Vector = mixture.sum(axis=0)
    return weights


def inner_products(mixture: Matrix, gram: Matrix, met: Places) -> Vector:
    """Of each task's gradient, as a mixture of all, with that of the task that it meets.

    They are formed when they are needed: to keep those of all pairs would take twice the time.
    """
    found: Vector = np.einsum("ij,ij->i", mixture, gram[met])
    return found


def drawn_orders(memory: dict[str, Tensor], n_tasks: int, places: Places) -> Places:
    """An order of the tasks for each of them; those of absent tasks change nothing for the rest.

    Args:
        memory: Holds the state of the random numbers.
        n_tasks: Number of all tasks.
        places: Which of them take part.
    """
    keys = normal_numbers(memory, n_tasks, n_tasks)[np.ix_(places, places)]
    orders: Places = keys.argsort(dim=1).numpy()
    return orders


class PCGrad(GramWeighting, Remembering):
    """Projecting conflicting gradients: see `pcgrad`. The orders are redrawn in every step."""

    name = "pcgrad"
    label = "conflicts taken out pair by pair"

    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """The state of the random numbers."""
        # Their number is a shape, so that the memory of more or fewer branches is not taken over.
        return {"random": random_state(seed), "tasks": torch.zeros(len(tasks))}

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `pcgrad`."""
        return pcgrad(gram, drawn_orders(self.memory, len(self.memory["tasks"]), places))
