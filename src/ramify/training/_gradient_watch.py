"""Shows the gradients of branches, or of single tasks, to a way of sharing that wants to see them."""

from contextlib import AbstractContextManager, nullcontext

from lightning_fabric import Fabric

from ramify.networks import BranchedNetwork, BranchGradients, TaskGradients, TaskNetwork
from ramify.sharing import ComparingGradients
from ramify.training._machines import summed


class GradientWatch:
    """Takes the gradients of the last stages out of the steps of a training.

    Args:
        network: The network, on its device.
        sharing: The way of sharing.
        fabric: The machines.
    """

    def __init__(
        self, network: BranchedNetwork, sharing: ComparingGradients, fabric: Fabric
    ) -> None:
        self._sharing, self._fabric = sharing, fabric
        gradients = TaskGradients if sharing.tells_tasks_apart else BranchGradients
        self._gradients = gradients(network, sharing.first_compared(network))
        self._looks = False

    def at_forward(self, step: int) -> AbstractContextManager[None]:
        """What the forward pass of a step has to run in.

        Args:
            step: From 0.
        """
        self._looks = self._sharing.compares_at(step)
        return self._gradients.at_forward() if self._looks else nullcontext()

    def after_backward(self) -> None:
        """Show what the step asks for."""
        if not self._looks:
            return
        rows = self._gradients.rows().detach()
        if self._gradients.is_local:
            rows = summed(self._fabric, rows) / self._fabric.world_size
        self._sharing.compare(rows)


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
