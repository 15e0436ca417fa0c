"""A network that executes a sharing tree."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, Setting, listed, quoted
from ramify.data import Nested
from ramify.networks.backbones import (
    Backbone,
    Parts,
    copied_stages,
    feature_width,
    n_halvings,
    n_parameters,
    read_settings,
    unit_of,
    without_reader,
)
from ramify.networks.branched._branches import Branches, Features
from ramify.networks.branched._heads import Change, StackedHeads
from ramify.networks.branched._row_routing import OwnRows, RowRouter
from ramify.networks.branched._task_network import OwnedWeights, ParameterRule, TaskNetwork
from ramify.networks.stacked import ChannelsLast, StackedBatchNorm
from ramify.tasks import ROW, SharingTree, TaskSet, Unit


class Tail(ABC):
    """Runs the last stages of a branched network in its own way.

    Attributes:
        first: The first of the stages that it runs.
    """

    first: int

    @abstractmethod
    def run(self, features: Features, *, apart: bool) -> Float[Tensor, "branch batch feature"]:
        """The features that the heads read.

        Args:
            features: What the stages before give.
            apart: Whether they are one for each branch of the first of the last stages already.
        """


def estimator_stages(n_features: int, widths: Sequence[int], unit: Unit = ROW) -> list[nn.Module]:
    """Dense stages with a ReLU each, for a network's last stages.

    Args:
        n_features: Width of the features that they read; features of pictures are flattened.
        widths: Width of each stage.
        unit: What the positions of the features are, which are then kept.

    Raises:
        InputError: If a width is below 1.

    Example:
        >>> len(estimator_stages(16, [8, 4]))
        2
    """
    if min(widths, default=1) < 1:
        raise InputError(f"`estimator` must be widths of 1 or more. Got {list(widths)}")
    stages = [
        nn.Sequential(nn.Linear(before, after), nn.ReLU())
        for before, after in pairwise((n_features, *widths))
    ]
    if not stages or (unit != ROW and not unit.channels_first):
        return list(stages)
    before = nn.Flatten() if unit == ROW else ChannelsLast()
    return [nn.Sequential(before, *stages[0]), *stages[1:]]


def sources_of(before: SharingTree, after: SharingTree, keepers: Sequence[str]) -> list[list[int]]:
    """For each stage, for each of its new groups, the index of the old group that goes on.

    Args:
        before: The old tree.
        after: The new one.
        keepers: One task of each group of the new tree's last stage, in the order of the groups.

    Raises:
        InputError: If the trees are over other tasks or stages, a keeper is not of its group, or
            keepers of different branches of a stage would have to share it.

    Example:
        >>> one_each = SharingTree(("a", "b"), ((("a", "b"),), (("a",), ("b",))))
        >>> sources_of(one_each, SharingTree.shared("ab", 2), ["b"])
        [[0], [1]]
    """
    if after.tasks != before.tasks or after.n_stages != before.n_stages:
        raise InputError(
            f"`tree` must be over the network's {len(before.tasks)} tasks and {before.n_stages} "
            f"stages. Got {len(after.tasks)} and {after.n_stages}"
        )
    _check_keepers(after, keepers)
    place = {name: i for i, name in enumerate(before.tasks)}
    places = [place[name] for name in keepers]
    return [_sources(before, after, stage, places) for stage in range(before.n_stages)]


def _sources(
    before: SharingTree, after: SharingTree, stage: int, keepers: Sequence[int]
) -> list[int]:
    old, new = before.assignment(stage), after.assignment(stage)
    found: list[set[int]] = [set() for _ in after.stages[stage]]
    for keeper in keepers:
        found[new[keeper]].add(int(old[keeper]))
    if max(map(len, found)) > 1:
        raise InputError(
            f"`tree` joins branches of stage {stage} that several keepers need; divide that stage, "
            f"or name keepers of one branch. Got {listed([before.tasks[k] for k in keepers])}"
        )
    return [one for (one,) in found]


def _check_keepers(tree: SharingTree, keepers: Sequence[str]) -> None:
    groups = tree.stages[-1]
    if len(keepers) != len(groups):
        raise InputError(f"`keepers` must be one task per group, {len(groups)}. Got {len(keepers)}")
    for keeper, group in zip(keepers, groups, strict=True):
        if keeper not in group:
            raise InputError(
                f"`keepers` must be in the order of the groups. Got {quoted(keeper)} for the group "
                f"of {listed(group)}"
            )


@dataclass(frozen=True)
class _Settings:
    estimator: tuple[int, ...] = ()


class BranchedNetwork(TaskNetwork):
    """A backbone whose stages exist once per group of a tree, and one linear head per task.

    Args:
        backbone: An ``nn.Sequential`` or a list of modules; its weights start every branch.
            Copied, never changed.
        tree: For each stage of the backbone (see `stages_of`), the groups of tasks.
        tasks: The tasks.
        n_features: Width of the features that the heads get; by default that of the backbone's
            last ``nn.Linear``, or of its last convolution where global pooling follows.
        stack: Whether branches run as one batched operation where every layer allows it.
        estimator: Widths of dense stages with ReLU that follow the backbone's; the tree has a level
            for each of them too.

    Raises:
        InputError: If the tree does not fit the stages or the tasks, or a width is below 1.

    Example:
        >>> import torch
        >>> from ramify.tasks import Binary, Task
        >>> tasks = TaskSet([Task(name, Binary()) for name in "abc"])
        >>> backbone = torch.nn.Sequential(
        ...     torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4), torch.nn.ReLU()
        ... )
        >>> network = BranchedNetwork(backbone, SharingTree.shared("abc", 2), tasks)
        >>> wider = network.widen(1, [["a", "b"], ["c"]])
        >>> wider.tree.widths, wider(torch.zeros(5, 8)).shape
        ((1, 2), torch.Size([5, 3]))
    """

    kind: ClassVar[str] = "branched"

    def __init__(
        self,
        backbone: Backbone,
        tree: SharingTree,
        tasks: TaskSet,
        *,
        n_features: int | None = None,
        stack: bool = True,
        estimator: Sequence[int] = (),
    ) -> None:
        super().__init__()
        parts = copied_stages(backbone)
        self.unit = unit_of(tasks, parts)
        self.reader, parts = without_reader(parts)
        width = feature_width(parts, self.unit) if n_features is None else n_features
        parts += estimator_stages(width, estimator, self.unit)
        if estimator:  # its dense layers have the channels last
            self.unit = replace(self.unit, channels_first=False)
        _check_fit(tree, tasks, len(parts))
        width = estimator[-1] if estimator else width
        self.tasks = tasks
        self._halvings = [n_halvings(part) for part in parts]
        self.stages = nn.ModuleList(Branches([part], stack=stack) for part in parts)
        self.heads = StackedHeads(width, tasks)
        self.estimator = tuple(estimator)
        self._changes: Mapping[int, Change] = {}
        self._tail: Tail | None = None
        self._set_tree(SharingTree.shared(tasks.names, len(parts)))
        if tree != self.tree:
            self._grow(tree)

    def maps(self, inputs: Nested) -> Float[Tensor, "branch batch ..."]:
        """The features of every branch of the last stage."""
        stages = list(self.branches())
        stages = stages if self._tail is None else stages[: self._tail.first]
        features = self._shared(stages[: self._n_shared], inputs)
        for i, stage in enumerate(stages[self._n_shared :], self._n_shared):
            if i in self._changes:
                features = _each_its_own(features, self._parents[i], self._changes[i])
                features = stage(features, range(stage.n_groups))
            elif self._own_rows is not None:
                features = stage(self._own_rows.read_by(i, features), range(stage.n_groups))
            else:
                features = stage(features, self._parents[i])
        if self._tail is not None:
            features = self._ended(features, self._tail)
        y = torch.stack(features) if isinstance(features, list) else features
        y = y if self._own_rows is None else self._own_rows.put_back(y)
        return self.channels_last(y)

    def read(self, features: Float[Tensor, "branch unit feature"]) -> Tensor:
        """What the heads make of the features."""
        outputs: Tensor = self.heads(features)
        return outputs

    def own_rows(self, label_mask: Bool[Tensor, "batch task"]) -> OwnRows | None:
        """Known where branches are stacked and none is in training with batch statistics."""
        branched = list(self.branches())[self._n_shared :]
        if not branched or not all(each.rows_apart for each in branched):
            return None
        return self._router.rows(label_mask)

    @contextmanager
    def reweighing(self, at_heads: Change, at_junctions: Mapping[int, Change]) -> Iterator[None]:
        """Within the block, forward passes prepare for changed gradients on the way down.

        Args:
            at_heads: From the gradient at the outputs, ``(batch, column)``, to the one that goes on
                to the features; the heads learn from the former.
            at_junctions: For stages that have more branches than the one below, from the gradients
                ``(branch, batch, …)`` at what each branch reads, to those that are added up below.
        """
        self._changes = at_junctions
        try:
            with self.heads.reweighing(at_heads):
                yield
        finally:
            self._changes = {}

    @contextmanager
    def ending_in(self, tail: Tail) -> Iterator[None]:
        """Within the block, forward passes run the last stages in another way.

        Args:
            tail: The other way.
        """
        self._tail = tail
        try:
            yield
        finally:
            self._tail = None

    @property
    def tree(self) -> SharingTree:
        """Which tasks share which stages."""
        return self._tree

    @property
    def components(self) -> NDArray[np.int64]:
        """The groups of the first stage: those of different groups share nothing."""
        return self._tree.assignment(0)

    def widen(self, stage: int, partition: Iterable[Iterable[str]]) -> "BranchedNetwork":
        """A network in which one stage is divided into groups and that computes the same.

        Every new branch is a copy of the branch that served its tasks; heads and all other stages
        keep their weights. An optimiser has to start over, as in the paper.

        Args:
            stage: Which stage to divide, from 0 at the input.
            partition: The groups of task names; each within one group of now, and each a union of
                groups of the stage after it.

        Returns:
            A new network; this one is unchanged.

        Raises:
            InputError: If the partition does not fit the tree.

        References:
            Lu et al., CVPR 2017, section 3.1.
        """
        if not 0 <= stage < self.tree.n_stages:
            raise InputError(f"`stage` must be from 0 to {self.tree.n_stages - 1}. Got {stage}")
        return self.regrown(self.tree.divided(stage, partition))

    def regrown(self, tree: SharingTree, *, restart_statistics: bool = False) -> "BranchedNetwork":
        """A network of a further divided tree that computes the same.

        Args:
            tree: Every group of it must lie within one group of the network's tree.
            restart_statistics: Whether all running means and variances start over, as in the
                authors' code. Then only training mode computes the same, and evaluation does not
                until they have caught up.

        Returns:
            A new network that shares no memory with this one.

        Raises:
            InputError: If the tree joins tasks that the network holds apart.
        """
        if not tree.divides(self.tree):
            raise InputError(
                "`tree` must only divide groups of the network's tree, over the same tasks and "
                f"stages. Got widths {tree.widths} for a network of widths {self.tree.widths}"
            )
        again = copy.deepcopy(self)
        again._grow(tree)
        if restart_statistics:
            for module in again.modules():
                if isinstance(module, nn.modules.batchnorm._NormBase | StackedBatchNorm):
                    module.reset_running_stats()
        return again

    def regrouped(self, tree: SharingTree, keepers: Sequence[str]) -> "BranchedNetwork":
        """A network of another tree in which each group goes on with the branches of one task.

        So what the network says of these tasks stays exactly the same. The other branches are
        dropped; every task keeps its head.

        Args:
            tree: Over the same tasks and stages; it may join and divide groups.
            keepers: One task of each group of the tree's last stage, in the order of the groups.

        Returns:
            A new network that shares no memory with this one.

        Raises:
            InputError: If tree or keepers do not fit, or keepers of different branches of a stage
                would have to share it.
        """
        sources = sources_of(self.tree, tree, keepers)
        again = copy.deepcopy(self)
        for i, branches in enumerate(again.branches()):
            if sources[i] != list(range(branches.n_groups)):
                again.stages[i] = branches.regrown(sources[i])
        again._set_tree(tree)
        return again

    def for_tasks(self, tasks: TaskSet, places: Sequence[int]) -> "BranchedNetwork":
        """A network for some of the tasks, without branches that serve others only."""
        tree = self.tree.restricted(tasks.names)
        again = copy.deepcopy(self)
        for i, branches in enumerate(again.branches()):
            group_of = dict(zip(self.tree.tasks, self.tree.assignment(i).tolist(), strict=True))
            sources = [group_of[group[0]] for group in tree.stages[i]]
            if sources != list(range(branches.n_groups)):
                again.stages[i] = branches.regrown(sources)
        again.tasks, again.heads = tasks, self.heads.of_tasks(tasks, places)
        again._set_tree(tree)
        return again

    def parameters_of(self, tree: SharingTree) -> int:
        """Trainable numbers of this network's stages and heads under another tree.

        Of auxiliary tasks none count: what serves only them is no part of the model.

        Args:
            tree: Over the same tasks and stages.
        """
        heads, main = n_parameters(self.heads), self.tasks.main
        if len(main) < len(self.tasks):
            tree = tree.restricted(main.names)
            heads = heads // self.tasks.n_columns * main.n_columns
        sizes = zip(self.stage_sizes(), tree.widths, strict=True)
        return sum(size * width for size, width in sizes) + heads

    def stage_sizes(self) -> list[int]:
        """Trainable numbers of one branch of each stage, from input to output."""
        return [n_parameters(branches) // branches.n_groups for branches in self.branches()]

    def n_pools(self) -> list[int]:
        """For each stage, how often the resolution is halved at it or after it, before the heads."""
        return [sum(self._halvings[i:]) for i in range(len(self._halvings))]

    def owned_weights(self) -> list[OwnedWeights]:
        """Every parameter and running statistic that does not serve all tasks, with its tasks.

        Training uses it to leave a branch or a head untouched by a batch that has no label of its
        tasks.
        """
        owned = []
        for i, branches in enumerate(self.branches()):
            if branches.n_groups > 1:
                serves = self._serves(self.tree.assignment(i).tolist())
                for tensor, group in branches.rows():
                    rows = serves if group is None else serves[group : group + 1]
                    owned.append(OwnedWeights(tensor, rows))
        of_column = self._serves(self.heads.task_of_column_list, transpose=True)
        owned.append(OwnedWeights(self.heads.weight, of_column))
        owned.append(OwnedWeights(self.heads.bias, of_column))
        return owned

    def parameter_rules(self) -> list[ParameterRule]:
        """None is treated in its own way."""
        return []

    def settings(self) -> Mapping[str, Setting]:
        """The widths of the estimator, if there is one."""
        return {"estimator": list(self.estimator)} if self.estimator else {}

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """A network like one that was saved."""
        own = read_settings(_Settings, settings, f"a network {quoted(cls.kind)}")
        return cls(
            parts.backbone,
            parts.tree,
            parts.tasks,
            n_features=parts.n_features,
            estimator=own.estimator,
        )

    def branches(self) -> Iterator[Branches]:
        """The copies of each stage, from input to output."""
        for stage in self.stages:
            assert isinstance(stage, Branches)  # for the type checker only
            yield stage

    def _shared(self, stages: Sequence[Branches], inputs: Nested) -> Features:
        """What stages give that all tasks share, without an axis of groups: views cost time, too."""
        if not stages:
            return self.entered(inputs)
        x = inputs if self.reader is None else self.reader(inputs)
        for stage in stages:
            x = stage.alone(x)
        whole: Tensor = x.unsqueeze(0)
        return whole

    def _serves(self, indices: Sequence[int], *, transpose: bool = False) -> Tensor:
        """One-hot rows: (group, task) from groups of tasks, (column, task) from tasks of columns."""
        device = self.heads.weight.device
        one_hot = nn.functional.one_hot(torch.tensor(indices, device=device)).bool()
        return one_hot if transpose else one_hot.T

    def _grow(self, tree: SharingTree) -> None:
        for i, branches in enumerate(self.branches()):
            if tree.stages[i] != self.tree.stages[i]:
                group_of = dict(zip(tree.tasks, self.tree.assignment(i).tolist(), strict=True))
                sources = [group_of[group[0]] for group in tree.stages[i]]
                self.stages[i] = branches.regrown(sources)
        self._set_tree(tree)

    def _set_tree(self, tree: SharingTree) -> None:
        self._tree = tree
        self._n_shared = tree.widths.count(1)  # stages do not get narrower
        self._parents = [tree.parents(i).tolist() for i in range(tree.n_stages)]
        self._router = RowRouter(tree)
        self.heads.attach(tree.assignment(tree.n_stages - 1).tolist())

    def _ended(self, features: Features, tail: Tail) -> Features:
        i = tail.first
        if i not in self._changes:
            return tail.run(features, apart=False)
        apart = _each_its_own(features, self._parents[i], self._changes[i])
        return tail.run(apart, apart=True)


def _each_its_own(features: Features, parents: Sequence[int], change: Change) -> Tensor:
    """What every branch reads, as a tensor of its own whose gradient is changed."""
    below = features if isinstance(features, list) else features.unbind()
    apart = torch.stack([below[parent] for parent in parents])
    if apart.requires_grad:
        apart.register_hook(change)  # type: ignore[no-untyped-call]  # of torch
    return apart


def _check_fit(tree: SharingTree, tasks: TaskSet, n_stages: int) -> None:
    if tree.tasks != tasks.names:
        raise InputError(
            "`tree` must be over the same tasks in the same order as `tasks`. "
            f"Got {len(tree.tasks)} and {len(tasks)} tasks"
        )
    if tree.n_stages != n_stages:
        raise InputError(
            f"`tree` must have one level per stage of the backbone, {n_stages}. Got {tree.n_stages}"
        )
