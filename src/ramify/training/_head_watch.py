"""Keeps what the heads pass back in each step, for a way of sharing that asks for it."""

from collections import deque
from collections.abc import Callable
from functools import partial

from torch import Tensor

from ramify.networks import BranchedNetwork, TaskNetwork
from ramify.sharing import HeadGradients, ObservingGradients, Sharing


class HeadWatch:
    """Reads the outputs' gradient where the backward pass of a step has it, at no extra pass.

    Args:
        network: The network that is trained.
        total: Adds a tensor up over all machines that train together.
    """

    def __init__(self, network: BranchedNetwork, total: Callable[[Tensor], Tensor]) -> None:
        self._heads, self._total = network.heads, total
        self._last: HeadGradients | None = None
        self._kept: deque[HeadGradients] = deque()

    def watch(self, outputs: Tensor, label_mask: Tensor) -> None:
        """Wait for the gradient of a step's outputs.

        Args:
            outputs: Before the backward pass.
            label_mask: True where the row has a label of the task.
        """
        outputs.register_hook(partial(self._read, label_mask))  # type: ignore[no-untyped-call]  # of torch

    def keep(self) -> None:
        """Keep the step's last gradient: a weighting may have passed single tasks back before."""
        assert self._last is not None  # the backward pass has been there
        self._kept.append(self._last)
        self._last = None

    def next(self) -> HeadGradients:
        """The earliest step that was kept, once."""
        return self._kept.popleft()

    def _read(self, label_mask: Tensor, gradient: Tensor) -> None:
        weights = self._heads.weight.detach()
        # The optimiser writes over the weights before the sums are made.
        self._last = HeadGradients(
            gradient.detach().to(weights),
            weights.clone(),
            self._heads.get_buffer("task_of_column"),
            label_mask,
            self._total,
        )


def head_watch(
    network: TaskNetwork, sharing: Sharing, total: Callable[[Tensor], Tensor]
) -> HeadWatch | None:
    """The watch that a way of sharing needs; None if it needs none.

    Args:
        network: The network that is trained.
        sharing: The way of sharing.
        total: Adds a tensor up over all machines that train together.
    """
    if not isinstance(network, BranchedNetwork) or not isinstance(sharing, ObservingGradients):
        return None
    return HeadWatch(network, total) if sharing.needs_gradients else None
