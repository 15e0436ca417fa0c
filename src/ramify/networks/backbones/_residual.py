"""A block that adds to its input."""

from torch import Tensor, nn


class Residual(nn.Module):
    """x + inner(x): starts near the identity, so that depth does not hurt.

    Args:
        inner: A module whose output has the shape of its input.

    Example:
        >>> import torch
        >>> Residual(torch.nn.Identity())(torch.ones(2)).tolist()
        [2.0, 2.0]
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """Add the inner module's output to the input."""
        y: Tensor = x + self.inner(x)
        return y
