"""Numbers of the present tasks only: softmax, sums, and steps of Adam that leave absent tasks alone."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_NEVER = -1e30
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8


def share_among(
    scores: Float[Tensor, " task"], present: Bool[Tensor, " task"]
) -> Float[Tensor, " task"]:
    """Softmax of the scores of the present tasks; 0 for the others."""
    return torch.where(present, scores.masked_fill(~present, _NEVER).softmax(0), 0.0)


def spread_over(
    shares: Float[Tensor, " task"], present: Bool[Tensor, " task"]
) -> Float[Tensor, " task"]:
    """Shares that sum to 1, times the number of present tasks: weights of mean 1."""
    return shares * present.sum()


def adam_start(n_tasks: int) -> dict[str, Tensor]:
    """What Adam remembers: averages of the gradient and its square, and the number of steps."""
    return {name: torch.zeros(n_tasks) for name in ("gradient_mean", "square_mean", "n_steps")}


def adam_step(
    memory: dict[str, Tensor],
    values: Float[Tensor, " task"],
    gradient: Float[Tensor, " task"],
    present: Bool[Tensor, " task"],
    rate: float,
) -> Float[Tensor, " task"]:
    """One step down the gradient; absent tasks keep value, averages and number of steps.

    Args:
        memory: Holds what `adam_start` gave; renewed in place.
        values: The numbers that are learned.
        gradient: Their gradient; any value where absent.
        present: Which of them learn.
        rate: Step size.

    References:
        Kingma, Ba. *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 1.
    """
    n_steps = memory["n_steps"] + present
    mean = memory["gradient_mean"].lerp(gradient, 1 - _FIRST)
    square = memory["square_mean"].lerp(gradient.square(), 1 - _SECOND)
    length = (square / (1 - _SECOND**n_steps)).sqrt_().add_(_TINY)
    stepped = values - rate * mean / (1 - _FIRST**n_steps).mul_(length)
    memory["gradient_mean"] = torch.where(present, mean, memory["gradient_mean"])
    memory["square_mean"] = torch.where(present, square, memory["square_mean"])
    memory["n_steps"] = n_steps
    return torch.where(present, stepped, values)
