"""How the weights of tasks enter the steps of a training."""

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Generic, TypeVar, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify.networks import BranchedNetwork, TaskNetwork
from ramify.sharing import HookContext, Step, StepHook
from ramify.tasks import SharingTree, TaskSet
from ramify.training._checkpoint import under_prefix, with_prefix
from ramify.training._distributed import Fabric, summed
from ramify.weighting import (
    Equal,
    GramWeighting,
    LossWeighting,
    Periodic,
    Remembering,
    Weighting,
    gram_at_features,
)


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


Rule = TypeVar("Rule", bound=Weighting)


class Rules(Generic[Rule]):
    """One copy of a weighting for each place where tasks, or branches, are weighed.

    Args:
        rule: The weighting; left as it is.
        weighed: For each place, what is weighed there; for branches, a task of each.
    """

    def __init__(self, rule: Rule, weighed: Mapping[str, TaskSet]) -> None:
        self._weighed = weighed
        self._rules = {place: copy.deepcopy(rule) for place in weighed}

    def __getitem__(self, place: str) -> Rule:
        """The copy for a place."""
        return self._rules[place]

    def start(self, seed: int) -> None:
        """Forget everything.

        Args:
            seed: Random seed.
        """
        for place, rule in self._remembering().items():
            rule.start(self._weighed[place], seed)

    def end_epoch(self) -> None:
        """Tell those that want to know that an epoch is over."""
        every: list[object] = list(self._rules.values())
        for rule in every:
            if isinstance(rule, Periodic):
                rule.end_epoch()

    def state_tensors(self) -> dict[str, Tensor]:
        """The tensors that all of them need to go on."""
        return {
            name: tensor
            for place, rule in self._remembering().items()
            for name, tensor in with_prefix(place, rule.state_tensors()).items()
        }

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave."""
        for place, rule in self._remembering().items():
            rule.load_state_tensors(under_prefix(place, state))

    def _remembering(self) -> dict[str, Remembering]:
        every: dict[str, object] = dict(self._rules)
        return {place: rule for place, rule in every.items() if isinstance(rule, Remembering)}


_HEADS = "heads"


def weighting_hook(
    rule: Weighting,
    network: TaskNetwork,
    fabric: Fabric,
    *,
    exact: bool,
    summed_up: bool,
) -> "TaskWeighting | None":
    """What brings a weighting into the steps; None for equal weights, which need nothing.

    Args:
        rule: The weighting.
        network: The network that is trained.
        fabric: The ranks, and the precision.
        exact: Whether gradients are those of all shared parameters, not of the shared features.
            For networks that share otherwise than by branches they always are.
        summed_up: Whether losses are added up over tasks, not averaged.
    """
    if isinstance(rule, Equal):
        return None
    if isinstance(rule, LossWeighting):
        return ByLosses(rule, summed_up=summed_up)
    if not isinstance(rule, GramWeighting) or len(network.tasks) == 1:
        return None
    if exact or not isinstance(network, BranchedNetwork):
        return ByParameters(rule, fabric, summed_up=summed_up)
    return ByFeatures(rule, summed_up=summed_up)


class TaskWeighting(StepHook):
    """Weighs the tasks of one network's training, whatever the rule needs for it.

    Args:
        summed_up: Whether losses are added up over tasks, not averaged.
    """

    name = "weighting"
    rules: Rules[Any]
    """The rule's copies, and what they remember."""

    def __init__(self, *, summed_up: bool) -> None:
        self._summed_up = summed_up

    def start(self, context: HookContext) -> None:
        """Get ready for a network, and let the rule forget everything."""
        losses = context.losses
        self.tasks, self.shares = losses.tasks, losses.shares
        self.parts = self.shares * (len(self.tasks) if self._summed_up else 1)
        self._factors = self.shares * len(self.tasks) / context.world_size
        self._has_weight = self.shares > 0
        self._total = context.total
        self.rules = self.rules_for(context)
        self.rules.start(context.seed)

    @abstractmethod
    def rules_for(self, context: HookContext) -> Rules[Any]:
        """The rule's copies for a network.

        Args:
            context: What is trained.
        """

    def after_epoch(self) -> None:
        """Tell the rule."""
        self.rules.end_epoch()

    def state(self) -> Mapping[str, Tensor]:
        """What the rule remembers."""
        return self.rules.state_tensors()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Let it remember that."""
        self.rules.load_state_tensors(state)

    def take_over(self, state: Mapping[str, Tensor]) -> None:
        """Let it remember as much of it as has the shape that it has now."""
        fresh = self.rules.state_tensors()
        alike = {n for n in fresh if n in state and state[n].shape == fresh[n].shape}
        self.rules.load_state_tensors(fresh | {name: state[name] for name in alike})

    def present(self, counted: Bool[Tensor, " task"]) -> Bool[Tensor, " task"]:
        """The tasks with a loss on some rank, and with a weight of their own."""
        return self._has_weight & counted

    def values(self, losses: Float[Tensor, " task"]) -> Float[Tensor, " task"]:
        """Each task's own weight × loss, over the labels of all ranks."""
        return self._total(self._factors * losses.detach())


class ByLosses(TaskWeighting):
    """Multiplies the losses by weights that follow from the losses.

    Args:
        rule: The weighting.
        summed_up: As for `TaskWeighting`.
    """

    def __init__(self, rule: LossWeighting, *, summed_up: bool) -> None:
        super().__init__(summed_up=summed_up)
        self._rule = rule

    def rules_for(self, context: HookContext) -> Rules[LossWeighting]:
        """One for the tasks."""
        return Rules(self._rule, {"tasks": context.losses.tasks})

    def weigh(self, step: Step, losses: Tensor) -> Tensor:
        """The losses times their weights."""
        rule: LossWeighting = self.rules["tasks"]
        return losses * rule.weights(self.values(losses), self.present(step.counted))


class ByParameters(TaskWeighting):
    """Weighs the gradients of all that tasks share: exact, for any network, and slow.

    There is one backward pass per task, and memory for one gradient per task. What serves a single
    task, such as its head, has the gradient of its own loss.

    Args:
        rule: The weighting.
        fabric: The ranks, and the precision.
        summed_up: As for `TaskWeighting`.
    """

    def __init__(self, rule: GramWeighting, fabric: Fabric, *, summed_up: bool) -> None:
        super().__init__(summed_up=summed_up)
        self._rule, self._fabric = rule, fabric

    def rules_for(self, context: HookContext) -> Rules[GramWeighting]:
        """One for the tasks."""
        self._gradients = SharedGradients(context.network)
        return Rules(self._rule, {"tasks": context.losses.tasks})

    def weigh(self, step: Step, losses: Tensor) -> Tensor:
        """The losses as they are; the mixture of the tasks' gradients is kept for later."""
        rows = _passed_back(self._fabric, lambda: self._gradients.of(losses * self.parts))
        rows = summed(self._fabric, rows) / self._fabric.world_size
        values, here = self.values(losses), self.present(step.counted)
        weights = self.rules["tasks"].weights(rows @ rows.T, values, here)
        self._mixture = weights.to(rows) @ rows
        return losses

    def after_backward(self, step: Step) -> None:
        """The mixture takes the place of the plain gradient."""
        self._gradients.put(self._mixture)


class ByFeatures(TaskWeighting):
    """Weighs tasks where they read one branch's features, and branches where the tree divides.

    The losses go back once. At the outputs they tell all that the Gram matrix at the features takes
    (see `gram_at_features`); the heads get the plain gradients, and the features the weighted ones.
    Where several branches read the features of one below, each counts as one task: its gradient,
    that of the tasks it serves, arrives there by itself and is weighed against the others'. So every
    node of the tree balances those that use it; a task or branch without a sibling keeps weight 1.

    Args:
        rule: The weighting; each stage has its own copy.
        summed_up: As for `TaskWeighting`.
    """

    needs_all_rows = True  # branches' gradients are compared row by row

    def __init__(self, rule: GramWeighting, *, summed_up: bool) -> None:
        super().__init__(summed_up=summed_up)
        self._rule = rule

    def rules_for(self, context: HookContext) -> Rules[GramWeighting]:
        """One for the tasks, and one for each stage that divides."""
        network = context.network
        assert isinstance(network, BranchedNetwork)  # others have no tree to go by
        self._network = network
        tree, device = network.tree, network.heads.weight.device
        top = torch.from_numpy(tree.assignment(tree.n_stages - 1)).to(device)
        self._nodes = _siblings(top)
        self._junctions = {i: _Junction(tree, i, device) for i in _junctions(tree)}
        self._values: Tensor | None = None
        self._present = torch.ones(0, dtype=torch.bool)
        tasks = context.losses.tasks
        weighed = {str(i): each.first_tasks(tasks) for i, each in self._junctions.items()}
        return Rules(self._rule, {_HEADS: tasks, **weighed})

    def forward_context(self, step: Step) -> AbstractContextManager[None]:
        """The network's way of handing on changed gradients."""
        junctions = {i: partial(self._weigh_branches, i) for i in self._junctions}
        return self._network.reweighing(self._weigh_tasks, junctions)

    def weigh(self, step: Step, losses: Tensor) -> Tensor:
        """The losses as they are; their size is remembered for the rule."""
        self._values, self._present = self.values(losses), self.present(step.counted)
        return losses

    def _weigh_tasks(self, gradients: Float[Tensor, "unit column"]) -> Tensor:
        heads, positions = self._network.heads, self._network.positions
        if self._values is None or not self._nodes:
            return gradients
        of_column, weight = heads.get_buffer("task_of_column"), heads.weight.detach()
        found = gradients if positions is None else positions.spread(gradients)
        gram = gram_at_features(found.to(weight), weight, of_column, len(self._values))
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
        gram = self._total(gram)
        weights = torch.ones_like(values)
        for node in nodes:
            found = self.rules[place].weights(gram, values, present & node)
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


class _PassedBack:
    """Something to differentiate, in the form of a loss that is passed back."""

    def __init__(self, differentiate: Callable[[], Tensor]) -> None:
        self._differentiate = differentiate
        self.found: Tensor | None = None

    def backward(self) -> None:
        self.found = self._differentiate()


def _passed_back(fabric: Fabric, differentiate: Callable[[], Tensor]) -> Tensor:
    """Gradients that do not go into the parameters.

    In mixed precision Fabric lets nobody go back through the network's outputs but itself, and all
    that it does with what it passes back is to call its ``backward``.

    Args:
        fabric: The precision.
        differentiate: Finds the gradients.
    """
    given = _PassedBack(differentiate)
    fabric.backward(cast("Tensor", given))
    assert given.found is not None  # Fabric has called it
    return given.found
