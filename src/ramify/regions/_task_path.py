"""The way through a branched network that one task takes, as a plain network."""

import torch
from torch import Tensor, nn

from ramify._core import InputError, listed, quoted
from ramify.networks import BranchedNetwork, TaskModel
from ramify.tasks import Binary, Multiclass, Task


class Score(nn.Module):
    """From the features of a branch to one number per row: what speaks for the task's answer.

    Of a yes-or-no task the size of its logit, so a "no" is explained as well as a "yes"; of classes
    the logit of the class that it says; else the output, or the sum of the outputs.

    Args:
        weight: Of the task's columns, ``(column, feature)``.
        bias: Of the task's columns.
        task: The task.
    """

    def __init__(self, weight: Tensor, bias: Tensor, task: Task) -> None:
        super().__init__()
        self.head = nn.Linear(weight.shape[1], weight.shape[0]).to(weight)
        self.head.weight.data, self.head.bias.data = weight, bias
        self._kind = task.kind

    def forward(self, features: Tensor) -> Tensor:
        """One number per row."""
        outputs: Tensor = self.head(features.flatten(1))
        if isinstance(self._kind, Multiclass):
            return outputs.amax(dim=1)
        values = outputs.sum(dim=1)
        return values.abs() if isinstance(self._kind, Binary) else values


def task_path(network: TaskModel, task: str) -> nn.Sequential:
    """The stages that one task uses, from input to output, and its `Score`, as copies.

    Branches of a network may run as one stacked operation, in which no hook sees a branch by
    itself. On this way of its own every tool for plain networks works, and what it computes is
    what the network computes for the task.

    Args:
        network: A network of branches.
        task: Name of the task.

    Returns:
        One module per stage, and the score; frozen, in evaluation mode, nothing in place.

    Raises:
        InputError: If there is no such task, or the network is of another kind.

    Example:
        >>> import torch
        >>> from ramify.tasks import Regression, SharingTree, TaskSet
        >>> tasks = TaskSet([Task("a", Regression()), Task("b", Regression())])
        >>> backbone = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        >>> network = BranchedNetwork(backbone, SharingTree.separate("ab", 1), tasks)
        >>> x = torch.randn(5, 3)
        >>> torch.allclose(task_path(network, "b")(x), network(x)[:, 1])
        True
    """
    if not isinstance(network, BranchedNetwork):
        raise InputError(
            "activation regions need a network of branches, of which a tree of stages tells all. "
            f"Got the kind {quoted(network.kind)}"
        )
    if task not in network.tasks.names:
        raise InputError(
            f"`tasks` must be of {listed(network.tasks.names)}. Got {quoted(task)}; see the model"
        )
    place = network.tasks.names.index(task)
    with torch.no_grad():
        stages = [
            branches.regrown([int(network.tree.assignment(i)[place])]).copies[0]
            for i, branches in enumerate(network.branches())
        ]
        path = nn.Sequential(*stages, _score(network, place))
    for module in path.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return path.requires_grad_(False).eval()


def _score(network: BranchedNetwork, place: int) -> Score:
    heads, task = network.heads, network.tasks[place]
    first = network.tasks.first_columns[place]
    columns = slice(first, first + task.kind.n_outputs)
    weight = heads.weight if heads.reads is None else heads.weight * heads.reads
    return Score(weight[columns].detach().clone(), heads.bias[columns].detach().clone(), task)
