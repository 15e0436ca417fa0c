"""Gradients of single tasks with respect to all that they share."""

import torch
from jaxtyping import Float
from torch import Tensor

from ramify.networks import BranchedNetwork, TaskNetwork


class SharedGradients:
    """What of a network serves two tasks or more, and each task's gradient of it.

    A branch has gradients of its own tasks only, so that two tasks' inner product is over what both
    use. What serves a single task is left out.

    Args:
        network: The network.
    """

    def __init__(self, network: BranchedNetwork | TaskNetwork) -> None:
        owners = {id(tensor): rows for tensor, rows in network.owned_weights()}
        self._shared: list[tuple[Tensor, Tensor | None]] = []
        for parameter in network.parameters():
            rows = owners.get(id(parameter))
            common = None if rows is None else rows.sum(1) > 1
            if parameter.requires_grad and (common is None or common.any()):
                whole = common is None or common.all()
                self._shared.append((parameter, None if whole else common))

    def of(self, losses: Float[Tensor, " task"]) -> Float[Tensor, "task parameter"]:
        """One row per task, by one backward pass each; the graph stays for the step's own.

        Args:
            losses: Of each task.
        """
        if not self._shared:
            return losses.new_zeros(len(losses), 1)
        return torch.stack([self._row(loss) for loss in losses])

    @torch.no_grad()
    def put(self, row: Float[Tensor, " parameter"]) -> None:
        """Make a row the gradient; what serves a single task keeps its own.

        Args:
            row: In the order of those that `of` gives.
        """
        start = 0
        for parameter, rows in self._shared:
            part = row[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()
            if parameter.grad is None or rows is None:
                parameter.grad = part.clone()
            else:
                parameter.grad[rows] = part[rows]

    def _row(self, loss: Tensor) -> Tensor:
        parameters = [parameter for parameter, _ in self._shared]
        found = torch.autograd.grad(
            loss, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        pairs = zip(found, self._shared, strict=True)
        return torch.cat([_common(gradient, rows).flatten() for gradient, (_, rows) in pairs])


def _common(gradient: Tensor, rows: Tensor | None) -> Tensor:
    if rows is None:
        return gradient
    return gradient * rows.view(-1, *(1,) * (gradient.ndim - 1))
