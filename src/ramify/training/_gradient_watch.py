"""Shows the gradients of single tasks to a way of sharing that wants to see them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from lightning_fabric import Fabric

from ramify.networks import BranchedNetwork, TaskGradients, TaskNetwork
from ramify.sharing import ComparingGradients, GradientEvidence
from ramify.training._machines import summed


class GradientWatch:
    """Takes each task's gradient of its branches out of the steps of a training.

    Args:
        network: The network, on its device.
        sharing: The way of sharing.
        fabric: The machines.
    """

    def __init__(
        self, network: BranchedNetwork, sharing: ComparingGradients, fabric: Fabric
    ) -> None:
        self._sharing, self._fabric = sharing, fabric
        self._gradients = TaskGradients(network, sharing.first_compared(network))
        self._looks = False

    def at_forward(self, step: int) -> AbstractContextManager[None]:
        """What the forward pass of a step has to run in.

        Args:
            step: From 0.
        """
        self._looks = self._sharing.compares_at(step)
        return self._gradients.at_forward() if self._looks else nullcontext()

    def after_backward(self, present: Sequence[bool]) -> None:
        """Show what the step asks for.

        Args:
            present: For each task, whether any machine has a label of it.
        """
        if not self._looks:
            return
        rows = self._gradients.rows().detach()
        if self._gradients.is_local:
            rows = summed(self._fabric, rows) / self._fabric.world_size
        labelled = torch.tensor(list(present), device=rows.device)
        self._sharing.compare(GradientEvidence(rows, labelled))


def gradient_watch(network: TaskNetwork, sharing: object, fabric: Fabric) -> GradientWatch | None:
    """The watch that a way of sharing needs; None if it needs none.

    Args:
        network: The network, on its device.
        sharing: The way of sharing; None or another one if nobody is to see anything.
        fabric: The machines.
    """
    if not isinstance(sharing, ComparingGradients) or not isinstance(network, BranchedNetwork):
        return None
    return GradientWatch(network, sharing, fabric) if len(network.tasks) > 1 else None
