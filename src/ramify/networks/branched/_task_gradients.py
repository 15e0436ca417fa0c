"""Gradients of a network's last stages, task by task or branch by branch, in one backward pass."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from ramify._core import InputError
from ramify.networks.branched._branched import BranchedNetwork, Tail
from ramify.networks.branched._branches import Branches, Features, gathered
from ramify.networks.stacked import stacked


class Repeated:
    """Runs a stage once for each reader, with copies of the weights where readers share a branch.

    Args:
        branches: The stage.
        group_of_reader: For each reader, the index of its branch.

    Attributes:
        is_plain: Whether every reader has a branch of its own, so that nothing is copied.

    Raises:
        InputError: If a layer of the stage has no stacked form, or has running statistics.
    """

    def __init__(self, branches: Branches, group_of_reader: Tensor) -> None:
        self._is_alone = branches.joined is None
        own = branches.copies[0] if branches.joined is None else branches.joined
        shell = stacked([own, own]) if branches.joined is None else branches.joined
        apart = branches.n_groups > 1 and self._is_alone
        if apart or shell is None or next(own.buffers(), None) is not None:
            raise InputError(
                "gradients of single tasks need stages of layers that have a stacked form and no "
                "running statistics, such as dense ones"
            )
        self._own, self._shell, self._index = own, shell, group_of_reader
        readers = group_of_reader.tolist()
        self.is_plain = not self._is_alone and readers == list(range(branches.n_groups))

    def run(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Run the stage.

        Args:
            x: ``(reader, batch, …)``; a single one feeds all.

        Returns:
            ``(reader, batch, …)``, and the weight matrices that were used, ``(reader, out, in)``.
        """
        used = {name: self._for_each(p) for name, p in self._own.named_parameters()}
        matrices = [weight for weight in used.values() if weight.ndim > 2]
        if self.is_plain:
            y: Tensor = self._shell(x)
            return y, matrices
        self._shell.train(self._own.training)
        z: Tensor = functional_call(self._shell, used, (x,))
        return z, matrices

    def _for_each(self, parameter: Tensor) -> Tensor:
        if self.is_plain:
            return parameter
        every = parameter.unsqueeze(0) if self._is_alone else parameter
        # Not every[index]: its backward pass adds up in no fixed order.
        return every.index_select(0, self._index)


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
