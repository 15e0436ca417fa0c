"""Each task's gradient, turned until it agrees with the others as much as usual."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ramify._core import check_number, checked
from ramify.tasks import TaskSet
from ramify.weighting._base import GramWeighting, Matrix, Places, Remembering, Vector
from ramify.weighting._pcgrad import drawn_orders, inner_products
from ramify.weighting._random import random_state

_TINY = 1e-8


def gradvac(
    gram: Float[np.ndarray, "task task"],
    orders: Int[np.ndarray, "task task"],
    targets: Float[np.ndarray, "task task"],
    rate: float,
) -> tuple[Vector, Matrix]:
    r"""Weights of the sum of turned gradients, and the new targets.

    Task *i* meets the others one by one. If the cosine :math:`\varphi` between its gradient, as it
    then stands, and :math:`g_j` is below the target :math:`\hat\varphi_{ij}`, a multiple of
    :math:`g_j` is added that makes it the target. The target is a moving average of the cosines.
    With all targets 0 and rate 0 this is `pcgrad`.

    Args:
        gram: With a positive diagonal.
        orders: As for `pcgrad`.
        targets: :math:`\hat\varphi`, in [−1, 1].
        rate: Of the moving average, in [0, 1].

    Returns:
        Weights of 1 or more; the targets after this step.

    References:
        Wang, Tsvetkov, Firat, Cao. *Gradient Vaccine: Investigating and Improving Multi-task
        Optimization in Massively Multilingual Models*, ICLR 2021, eqs. (3) and (4).
    """
    every, met_by = np.arange(len(gram)), np.ascontiguousarray(orders.T)
    # What each meeting needs to know beforehand, a row for every round of meetings.
    lengths = np.sqrt(gram.diagonal())[met_by]
    aims = targets[every, met_by]
    sines, others = np.sqrt(1 - aims * aims), met_by != every
    mixture, cosines = np.eye(len(gram)), np.empty_like(aims)
    squares = gram.diagonal().copy()  # of the lengths that the tasks' gradients then have
    for turn, met in enumerate(met_by):
        inner, own, length = inner_products(mixture, gram, met), np.sqrt(squares), lengths[turn]
        cosine = np.minimum(np.maximum(inner / (own * length + _TINY), -1), 1)
        wanted = own * (aims[turn] * np.sqrt(1 - cosine * cosine) - cosine * sines[turn])
        added = np.where(cosine < aims[turn], wanted / (length * sines[turn] + _TINY), 0.0)
        added *= others[turn]
        mixture[every, met] += added
        squares = np.maximum(squares + added * (2 * inner + added * length * length), 0)
        cosines[turn] = cosine
    after = targets.copy()
    after[every, met_by] += rate * np.where(others, cosines - aims, 0.0)
    return mixture.sum(axis=0), after


@checked
class GradVac(GramWeighting, Remembering):
    """Gradient vaccine: see `gradvac`. The orders are redrawn in every step.

    Args:
        rate: Of the moving average of cosines, in [0, 1].

    Raises:
        InputError: If the rate is out of range.
    """

    name = "gradvac"
    label = "conflicts taken out towards a mean cosine"

    def __init__(self, rate: float = 0.01) -> None:
        self.rate = check_number("rate", rate, most=1)

    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """Targets of 0, and the state of the random numbers."""
        targets = torch.zeros(len(tasks), len(tasks), dtype=torch.float64)
        return {"random": random_state(seed), "targets": targets}

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """See `gradvac`; pairs with an absent task keep their target."""
        targets = self.memory["targets"].cpu().numpy().copy()
        orders = drawn_orders(self.memory, len(targets), places)
        here = np.ix_(places, places)
        weights, targets[here] = gradvac(gram, orders, targets[here], self.rate)
        self.memory["targets"] = torch.from_numpy(targets)
        return weights
