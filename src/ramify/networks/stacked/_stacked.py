"""What every layer is that holds several copies of one layer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from torch import Tensor, nn

Run = Callable[[Tensor], Tensor]
"""One copy, at work on the features of its own group."""


class Stacked(nn.Module, ABC):
    """Several copies of a layer: all in one operation, or one by one.

    Parameters and buffers have the names of the layer's own, and the group as their first axis.
    """

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Run all copies in one operation.

        Args:
            x: ``(group, batch, …)``; a single group feeds all copies.

        Returns:
            ``(group, batch, …)``.
        """

    @abstractmethod
    def each(self, n_groups: int) -> Sequence[Run]:
        """The copies one by one, for as long as no parameter is replaced.

        Args:
            n_groups: How many copies there are, for layers whose parameters do not tell.
        """
