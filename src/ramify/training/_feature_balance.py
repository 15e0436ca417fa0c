"""Weights by the gradients at the features that tasks share, node by node of the tree."""

from contextlib import AbstractContextManager
from functools import partial
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify.networks import BranchedNetwork
from ramify.tasks import SharingTree, TaskSet
from ramify.training._balance import Balance, StepLosses
from ramify.training._machines import summed
from ramify.training._rules import Rules
from ramify.weighting import GramWeighting, gram_at_features

_HEADS = "heads"


class ByFeatures(Balance):
    """Weighs tasks where they read one branch's features, and branches where the tree divides.

    The losses go back once. At the outputs they tell all that the Gram matrix at the features takes
    (see `gram_at_features`); the heads get the plain gradients, and the features the weighted ones.
    Where several branches read the features of one below, each counts as one task: its gradient,
    that of the tasks it serves, arrives there by itself and is weighed against the others'. So every
    node of the tree balances those that use it; a task or branch without a sibling keeps weight 1.

    Args:
        rule: The weighting; each stage has its own copy.
        losses: The tasks' losses.
        network: The network.
    """

    needs_all_rows: ClassVar[bool] = True  # branches' gradients are compared row by row

    def __init__(self, rule: GramWeighting, losses: StepLosses, network: BranchedNetwork) -> None:
        self._losses, self._network = losses, network
        tree, device = network.tree, network.heads.weight.device
        top = torch.from_numpy(tree.assignment(tree.n_stages - 1)).to(device)
        self._nodes = _siblings(top)
        self._junctions = {i: _Junction(tree, i, device) for i in _junctions(tree)}
        weighed = {str(i): each.first_tasks(losses.tasks) for i, each in self._junctions.items()}
        self._rules = Rules(rule, {_HEADS: losses.tasks, **weighed})
        self._values: Tensor | None = None
        self._present = torch.ones(0, dtype=torch.bool)

    @property
    def rules(self) -> Rules[GramWeighting]:
        """The rule's copies: one for the tasks, one for each stage that divides."""
        return self._rules

    def at_forward(self) -> AbstractContextManager[None]:
        """The network's way of handing on changed gradients."""
        junctions = {i: partial(self._weigh_branches, i) for i in self._junctions}
        return self._network.reweighing(self._weigh_tasks, junctions)

    def weighed(self, losses: Tensor, counted: Tensor) -> Tensor:
        """The losses as they are; their size is remembered for the rule."""
        self._values = self._losses.values(losses)
        self._present = self._losses.present(counted)
        return losses

    def after_backward(self) -> None:
        """Nothing."""

    def _weigh_tasks(self, gradients: Float[Tensor, "batch column"]) -> Tensor:
        heads = self._network.heads
        if self._values is None or not self._nodes:
            return gradients
        of_column, weight = heads.get_buffer("task_of_column"), heads.weight.detach()
        gram = gram_at_features(gradients.to(weight), weight, of_column, len(self._values))
        weights = self._weights(_HEADS, gram, self._values, self._present, self._nodes)
        return gradients * weights[of_column].to(gradients)

    def _weigh_branches(self, stage: int, gradients: Float[Tensor, "branch batch ..."]) -> Tensor:
        if self._values is None:
            return gradients
        junction = self._junctions[stage]
        rows = gradients.flatten(1).to(self._values)
        values = junction.total(self._values)
        present = junction.total(self._present.to(self._values)) > 0
        weights = self._weights(str(stage), rows @ rows.T, values, present, junction.nodes)
        return gradients * weights.to(gradients).view(-1, *(1,) * (gradients.ndim - 1))

    def _weights(
        self, place: str, gram: Tensor, values: Tensor, present: Tensor, nodes: list[Tensor]
    ) -> Tensor:
        """Weights of those that share a node, node by node; 1 for who is alone."""
        gram = summed(self._losses.fabric, gram)
        weights = torch.ones_like(values)
        for node in nodes:
            found = self._rules[place].weights(gram, values, present & node)
            weights = torch.where(node, found, weights)
        return weights


class _Junction:
    """The branches of a stage, their tasks, and which of them read the same branch below."""

    def __init__(self, tree: SharingTree, stage: int, device: torch.device) -> None:
        self._first = [tree.tasks.index(group[0]) for group in tree.stages[stage]]
        self.nodes = _siblings(torch.from_numpy(tree.parents(stage)).to(device))
        self._branch_of_task = torch.from_numpy(tree.assignment(stage)).to(device)

    def first_tasks(self, tasks: TaskSet) -> TaskSet:
        """A task of every branch, in the branches' order."""
        return TaskSet([tasks[t] for t in self._first])

    def total(self, of_tasks: Float[Tensor, " task"]) -> Float[Tensor, " branch"]:
        """Sums over the tasks of each branch."""
        return of_tasks.new_zeros(len(self._first)).index_add_(0, self._branch_of_task, of_tasks)


def _junctions(tree: SharingTree) -> list[int]:
    """Stages with more branches than the one below; the inputs need no gradient."""
    widths = tree.widths
    return [i for i in range(1, tree.n_stages) if widths[i] > widths[i - 1]]


def _siblings(parents: Tensor) -> list[Bool[Tensor, " child"]]:
    """For each parent of two children or more, which those are."""
    found = [parents == parent for parent in range(int(parents.max()) + 1)]
    return [children for children in found if int(children.sum()) > 1]
