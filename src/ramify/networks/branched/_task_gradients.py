"""Each task's own gradient of the branches that it reads, from the one ordinary backward pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import InputError
from ramify.networks.branched._branched import BranchedNetwork
from ramify.networks.branched._branches import Features, gathered
from ramify.networks.branched._last_stages import Tail
from ramify.networks.branched._repeated import Repeated


class TaskGradients(Tail):
    """What each task's loss asks of the weights of a network's last stages.

    Where every task has a branch of its own, that is the branch's gradient. Where tasks share one,
    the forward pass runs it once for each of them, with copies of its weights, whose gradients stay
    apart and are added up for the branch. Biases are left out.

    Args:
        network: The network, on its device.
        first: The first of the stages that are looked at.

    Attributes:
        is_local: Whether the rows are of this machine's part of the batch only.

    Raises:
        InputError: If there is no such stage, or a layer of these stages has no stacked form or has
            running statistics.

    Example:
        >>> import torch
        >>> from ramify.tasks import Binary, SharingTree, Task, TaskSet
        >>> tasks = TaskSet([Task(name, Binary()) for name in "abc"])
        >>> tree = SharingTree.shared("abc", 2)
        >>> network = BranchedNetwork([torch.nn.Linear(4, 3)], tree, tasks, estimator=[2])
        >>> gradients = TaskGradients(network, first=1)
        >>> with gradients.at_forward():
        ...     network(torch.ones(5, 4)).sum().backward()
        >>> gradients.rows().shape
        torch.Size([3, 6])
    """

    def __init__(self, network: BranchedNetwork, first: int) -> None:
        tree = network.tree
        if not 0 <= first < tree.n_stages:
            raise InputError(f"`first` must be from 0 to {tree.n_stages - 1}. Got {first}")
        self.first = first
        self._network = network
        n_tasks, device = len(tree.tasks), network.heads.weight.device
        self._group = tree.assignment(first).tolist()
        self._parent = tree.assignment(first - 1).tolist() if first else [0] * n_tasks
        self._one_each = network.heads.layout(range(n_tasks))
        self._stages = [
            Repeated(stage, torch.from_numpy(tree.assignment(i)).to(device))
            for i, stage in list(enumerate(network.branches()))[first:]
        ]
        self.is_local = not all(stage.is_plain for stage in self._stages)
        self._weights: list[Tensor] = []
        self._found: dict[int, Tensor] = {}

    @contextmanager
    def at_forward(self) -> Iterator[None]:
        """Within the block, forward passes keep the tasks apart."""
        self._weights, self._found = [], {}
        with self._network.heads.laid_out(self._one_each), self._network.ending_in(self):
            yield

    def run(self, features: Features, *, apart: bool) -> Tensor:
        """The features that each task's head reads, from weights of its own."""
        x = gathered(features, self._group if apart else self._parent)
        for stage in self._stages:
            x, used = stage.run(x)
            self._weights += used
        for i, weight in enumerate(self._weights):
            if weight.requires_grad and not weight.is_leaf:
                note = partial(self._found.__setitem__, i)
                weight.register_hook(note)  # type: ignore[no-untyped-call]  # of torch
        return x

    def rows(self) -> Float[Tensor, "task parameter"]:
        """One row per task, after the backward pass; 0 for a task without a label in the batch."""
        found = [self._gradient(i, weight).flatten(1) for i, weight in enumerate(self._weights)]
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)

    def _gradient(self, place: int, weight: Tensor) -> Tensor:
        found = weight.grad if weight.is_leaf else self._found.get(place)
        return torch.zeros_like(weight) if found is None else found
