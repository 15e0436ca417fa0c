"""Units that mix the features of all tasks' networks, and of one network's stages."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ramify._core import ShapeError
from ramify.networks.stacked import vectors


class StitchUnit(nn.Module):
    r"""Every task's features become a mixture of those of all tasks.

    .. math:: \tilde x_i = \sum_j \alpha_{ij} x_j

    A stream is a task, or one of the equal parts (subspaces) of its channels. Weights start
    convex: ``own`` for the stream itself, the rest evenly for the others.

    Args:
        n_tasks: Number of tasks.
        own: Share of its own features that a stream starts with, in [0, 1].
        n_subspaces: Parts of each task's channels.
        n_channels: Number of channels, for weights of each channel; None for one weight for all.

    References:
        Misra et al., CVPR 2016, equations 1 and 2; Ruder et al., AAAI 2019, equation 1.

    Example:
        >>> unit = StitchUnit(2, own=0.9)
        >>> unit.weight.tolist()[0] == [torch.tensor(0.9).item(), torch.tensor(0.1).item()]
        True
    """

    def __init__(
        self, n_tasks: int, *, own: float, n_subspaces: int = 1, n_channels: int | None = None
    ) -> None:
        super().__init__()
        n = n_tasks * n_subspaces
        others = (1 - own) / max(1, n - 1)
        weight = torch.full((n, n), others).fill_diagonal_(own if n > 1 else 1.0)
        if n_channels is not None:
            weight = weight[:, :, None].repeat(1, 1, n_channels)
        self.n_subspaces = n_subspaces
        self.weight = nn.Parameter(weight)

    def forward(
        self, x: Float[Tensor, "task batch channel *more"]
    ) -> Float[Tensor, "task batch channel *more"]:
        """Mix."""
        if self.weight.ndim == 3:
            flat = x.reshape(*x.shape[:3], -1)
            return torch.einsum("ijc,jbcp->ibcp", self.weight, flat).reshape(x.shape)
        if self.n_subspaces == 1:
            return (self.weight @ x.flatten(1)).view(x.shape)
        n_tasks, n_rows, n_channels = x.shape[:3]
        if n_channels % self.n_subspaces:
            raise ShapeError(
                f"`n_subspaces` must divide the width of every stitched stage. Got "
                f"{self.n_subspaces} for {n_channels} channels"
            )
        parts = x.reshape(n_tasks, n_rows, self.n_subspaces, -1).transpose(1, 2)
        mixed = self.weight @ parts.flatten(0, 1).flatten(1)
        return mixed.view(parts.shape).transpose(1, 2).reshape(x.shape)

    def between_tasks(self) -> Float[Tensor, "task task"]:
        """How much of each task's features goes into each other's, on average over parts."""
        weight = self.weight.detach()
        if weight.ndim == 3:
            return weight.mean(2)
        n, parts = len(weight) // self.n_subspaces, self.n_subspaces
        return weight.view(n, parts, n, parts).sum(3).mean(1)


class StageMixture(nn.Module):
    r"""What a task's head reads is a mixture of its network's stages, :math:`\sum_k \beta_{mk} x_{mk}`.

    Args:
        n_tasks: Number of tasks.
        n_stages: Number of stages that take part.
        last: Share of the last one at the start, in [0, 1]; None for an equal share of each.

    References:
        Ruder et al., AAAI 2019, equation 3.
    """

    def __init__(self, n_tasks: int, n_stages: int, *, last: float | None = None) -> None:
        super().__init__()
        share = 1 / n_stages if last is None or n_stages == 1 else last
        others = (1 - share) / max(1, n_stages - 1)
        weight = torch.full((n_tasks, n_stages), others)
        weight[:, -1] = share
        self.weight = nn.Parameter(weight)

    def forward(self, stages: list[Tensor]) -> Float[Tensor, "task batch feature"]:
        """Mix features ``(task, batch, …)`` of the stages; maps are averaged over space."""
        every = torch.stack([vectors(x) for x in stages], dim=1)  # (task, stage, batch, feature)
        return torch.einsum("tk,tkbf->tbf", self.weight, every)
