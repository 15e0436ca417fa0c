"""Gradients of a network's last stages, branch by branch."""

from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import InputError
from ramify.networks.branched._branched import BranchedNetwork


class BranchGradients:
    """What the tasks of each branch together ask of its weights, as training has it anyway.

    Biases are left out, so that a single stage needs no copy.

    Args:
        network: The network.
        first: The first of the stages that are looked at; they have the same groups.

    Attributes:
        is_local: Whether the rows are of this machine's part of the batch only.

    Raises:
        InputError: If there is no such stage, or a layer of these stages has no stacked form.

    Example:
        >>> import torch
        >>> from ramify.tasks import Binary, SharingTree, Task, TaskSet
        >>> tasks = TaskSet([Task(name, Binary()) for name in "abc"])
        >>> tree = SharingTree(("a", "b", "c"), ((("a", "b", "c"),), (("a", "c"), ("b",))))
        >>> network = BranchedNetwork([torch.nn.Linear(4, 3)], tree, tasks, estimator=[2])
        >>> gradients = BranchGradients(network, first=1)
        >>> network(torch.ones(5, 4)).sum().backward()
        >>> gradients.rows().shape
        torch.Size([2, 6])
    """

    is_local = False

    def __init__(self, network: BranchedNetwork, first: int) -> None:
        stages = list(network.branches())[first:]
        if not stages or any(s.joined is None and s.n_groups > 1 for s in stages):
            raise InputError("gradients of branches need stages of layers that have a stacked form")
        self._is_alone = stages[0].n_groups == 1
        n_axes = 2 if self._is_alone else 3
        self._weights = [p for s in stages for p in s.parameters() if p.ndim >= n_axes]

    def at_forward(self) -> AbstractContextManager[None]:
        """Nothing: the backward pass gives them as it is."""
        return nullcontext()

    def rows(self) -> Float[Tensor, "branch parameter"]:
        """One row per branch, after the backward pass; 0 where no task of it had a label."""
        every = [torch.zeros_like(w) if w.grad is None else w.grad for w in self._weights]
        rows = [g.flatten().unsqueeze(0) if self._is_alone else g.flatten(1) for g in every]
        return rows[0] if len(rows) == 1 else torch.cat(rows, dim=1)
