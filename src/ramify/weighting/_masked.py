"""Softmax and sums over the tasks that are present."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_NEVER = -1e30


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
