"""What each task pays attention to, in the features of a stage that all share."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ramify.networks.stacked import StackedLinear


class AttentionUnit(nn.Module):
    r"""A mask of each task over shared features.

    .. math:: a_t = 2\, \sigma(H_t \max(0, G_t z + P_t a_t^{-} + c_t) + d_t) \odot z

    with the shared features *z* and what the task attended to at the stage before, at every
    place of a map alike (1 × 1 convolutions). H and d start at 0, so that at first every task sees
    the shared features as they are. The paper has no factor 2 and normalises over the batch.

    Args:
        n_tasks: Number of tasks.
        width: Channels of the stage.
        before: Channels of the stage before; None at the first one.
        hidden: Width of the mask's hidden layer.

    References:
        Liu, Johns, Davison. *End-to-End Multi-Task Learning with Attention*, CVPR 2019, section 3.
    """

    def __init__(self, n_tasks: int, width: int, before: int | None, hidden: int) -> None:
        super().__init__()
        self.gather = StackedLinear([nn.Linear(width, hidden)] * n_tasks)
        self.previous: StackedLinear | None = None
        if before is not None:
            self.previous = StackedLinear([nn.Linear(before, hidden, bias=False)] * n_tasks)
        mask = nn.Linear(hidden, width)
        nn.init.zeros_(mask.weight)
        nn.init.zeros_(mask.bias)
        self.mask = StackedLinear([mask] * n_tasks)

    def forward(
        self,
        shared: Float[Tensor, "one batch channel *places"],
        attended: Float[Tensor, "task batch below *somewhere"] | None,
    ) -> Float[Tensor, "task batch channel *places"]:
        """What each task attends to.

        Args:
            shared: Features of the stage.
            attended: What the tasks attended to at the stage before.
        """
        z = shared.movedim(2, -1)  # a map's places before its channels
        hidden = self.gather(z)
        if self.previous is not None and attended is not None:
            hidden = hidden + self.previous(_resized(attended, shared).movedim(2, -1))
        mask = 2 * torch.sigmoid(self.mask(functional.relu(hidden)))
        return (mask * z).movedim(-1, 2)


def _resized(x: Tensor, like: Tensor) -> Tensor:
    """Averaged over space to the size of other features."""
    if x.shape[3:] == like.shape[3:]:
        return x
    if x.ndim == like.ndim == 5:
        pooled = functional.adaptive_avg_pool2d(x.flatten(0, 1), like.shape[3:])  # type: ignore[arg-type]
        return pooled.view(*x.shape[:2], *pooled.shape[1:])
    mean = x.flatten(3).mean(3)
    return mean.view(*mean.shape, *(1,) * (like.ndim - 3)).expand(*mean.shape, *like.shape[3:])
