"""The geometric mean of the losses instead of the arithmetic one."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify.weighting._base import LossWeighting

_TINY = 1e-8


def geometric_weights(
    losses: Float[Tensor, " task"], present: Bool[Tensor, " task"]
) -> Float[Tensor, " task"]:
    r"""Weights whose weighted sum has the gradient of the geometric mean.

    .. math:: L = \Big(\prod_t \ell_t\Big)^{1/n}, \quad
              \nabla L = \frac1n \sum_t \frac{L}{\ell_t} \nabla \ell_t

    so the weight is :math:`L / \ell_t`. Losses below 1e-8 count as 1e-8.

    Args:
        losses: 0 or more.
        present: Which of the tasks take part.
    """
    logs = losses.clamp(min=_TINY).log()
    mean = torch.where(present, logs, 0.0).sum() / present.sum().clamp(min=1)
    return (mean - logs).exp()


@dataclass(frozen=True)
class Geometric(LossWeighting):
    """Minimises the geometric mean of the losses, so no task's unit matters.

    References:
        Chennupati et al. *MultiNet++: Multi-Stream Feature Aggregation and Geometric Loss Strategy
        for Multi-Task Learning*, CVPR Workshops 2019, eq. (4).
    """

    name = "geometric"
    label = "geometric mean of the losses"

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """See `geometric_weights`."""
        return geometric_weights(losses, present)
