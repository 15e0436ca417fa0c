"""The solver of a loss with a norm, chosen by what the norm allows."""

import numpy as np

from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import Penalty, TaskCoupling
from ramify.linear.solvers._newton import solve_smooth
from ramify.linear.solvers._solution import Control, Solution
from ramify.linear.solvers._working_sets import by_working_sets


def solve_penalised(
    loss: SmoothLoss, penalty: Penalty, alpha: float, start: Solution | None, control: Control
) -> Solution:
    """Minimise loss plus a norm.

    Args:
        loss: The loss.
        penalty: The norm.
        alpha: Its strength; at 0 the problem is smooth and has no norm left.
        start: A solution to start from.
        control: When to stop.
    """
    first = None if start is None else start.split
    if alpha > 0:
        return by_working_sets(loss, penalty, first, control)
    whole = None if first is None else first.sum(axis=0)
    free = TaskCoupling(np.zeros((loss.n_tasks, loss.n_tasks)))
    solution = solve_smooth(loss, free, whole, control)
    rest = np.zeros((penalty.n_parts - 1, *solution.coef.shape))
    return Solution(
        coef=solution.coef,
        n_iter=solution.n_iter,
        optimality=solution.optimality,
        parts=np.concatenate([solution.coef[None], rest]),
    )


def largest_strength(loss: SmoothLoss, penalty: Penalty) -> float:
    """The smallest strength at which every coefficient is exactly zero.

    Args:
        loss: The loss.
        penalty: The norm with the strength 1.
    """
    return penalty.gauge(loss.at_zero[1])
