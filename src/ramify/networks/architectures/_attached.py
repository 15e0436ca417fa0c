"""A network whose tasks are supervised at different stages."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ramify._core import InputError, Setting, quoted
from ramify.data import Nested
from ramify.networks.backbones import (
    Backbone,
    Parts,
    copied_stages,
    feature_width,
    read_settings,
    unit_of,
    without_reader,
)
from ramify.networks.branched import (
    Branches,
    OwnedWeights,
    ParameterRule,
    StackedHeads,
    TaskNetwork,
    rows_of_branches,
    rows_of_heads,
)
from ramify.networks.stacked import widths_after
from ramify.tasks import ROW, SharingTree, TaskSet


@dataclass(frozen=True)
class _Settings:
    attached: tuple[int, ...]


class AttachedNetwork(TaskNetwork):
    """A branched network in which each task's head reads the stage that it is attached to.

    Heads below the last stage read features averaged over space. A branch exists only as far up
    as a task of its group needs it. So a task has no influence on stages above its own.

    Args:
        backbone: An ``nn.Sequential`` or a list of modules. Copied, never changed.
        tree: For each stage of the backbone, the groups of tasks.
        tasks: The tasks.
        attached: For each task, the stage that its head reads, from 0 at the input.
        n_features: As for `BranchedNetwork`.

    Raises:
        InputError: If there is not one stage for each task, or one does not exist.

    References:
        Søgaard, Goldberg. *Deep multi-task learning with low level tasks supervised at lower
        layers*, ACL 2016.

    Example:
        >>> from ramify.tasks import Binary, Task
        >>> tasks = TaskSet([Task("low", Binary()), Task("high", Binary())])
        >>> backbone = [nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4)]
        >>> tree = SharingTree.shared(tasks.names, 2)
        >>> AttachedNetwork(backbone, tree, tasks, [0, 1])(torch.zeros(5, 8)).shape
        torch.Size([5, 2])
    """

    kind: ClassVar[str] = "attached"

    def __init__(
        self,
        backbone: Backbone,
        tree: SharingTree,
        tasks: TaskSet,
        attached: Sequence[int],
        *,
        n_features: int | None = None,
    ) -> None:
        super().__init__()
        parts = copied_stages(backbone)
        self.unit = unit_of(tasks, parts)
        self.reader, parts = without_reader(parts)
        _check(tree, tasks, attached, len(parts))
        width = feature_width(parts, self.unit) if n_features is None else n_features
        widths = widths_after(parts, width)
        self.tasks, self._tree, self._attached = tasks, tree, tuple(attached)
        self._groups = [self._needed(i) for i in range(max(attached) + 1)]
        self.stages = nn.ModuleList(
            Branches([part]).regrown([0] * len(groups))
            for part, groups in zip(parts, self._groups, strict=False)
        )
        self.heads = nn.ModuleDict()
        for stage in sorted(set(attached)):
            heads = StackedHeads(widths[stage], TaskSet([tasks[t] for t in self._at(stage)]))
            heads.attach(self._readers(stage)[1])
            self.heads[str(stage)] = heads
        self.register_buffer("_order", self._columns(), persistent=False)

    def maps(self, inputs: Nested) -> Float[Tensor, "branch batch ..."]:
        """What the heads read, stage by stage; narrower features are filled up with zeros."""
        x = self.entered(inputs)
        found: list[Tensor] = []
        for i, stage in enumerate(self._branches()):
            x = stage(x, self._parents(i))
            if str(i) in self.heads:
                chosen = torch.stack([x[branch] for branch in self._readers(i)[0]])
                found.append(self._read_by_heads(i, chosen))
        widest = max(y.shape[-1] for y in found)
        return torch.cat([functional.pad(y, (0, widest - y.shape[-1])) for y in found])

    def _read_by_heads(self, stage: int, x: Float[Tensor, "branch batch ..."]) -> Tensor:
        """A stage's features as the heads read them: vectors, or those of every position."""
        if self.unit != ROW:
            return self.channels_last(x)
        return x.flatten(2) if stage + 1 == self._tree.n_stages else self.vectors(x)

    def read(self, features: Float[Tensor, "branch unit feature"]) -> Tensor:
        """What the heads make of the features."""
        outputs, start = [], 0
        for stage, heads in self._heads():
            n = len(self._readers(stage)[0])
            outputs.append(heads(features[start : start + n, :, : heads.weight.shape[1]]))
            start += n
        return torch.cat(outputs, dim=1).index_select(1, self.get_buffer("_order"))

    @property
    def tree(self) -> SharingTree:
        """Which tasks share which stages, as far up as each goes."""
        return self._tree

    @property
    def components(self) -> NDArray[np.int64]:
        """The groups of the first stage."""
        return self._tree.assignment(0)

    def owned_weights(self) -> list[OwnedWeights]:
        """Branches that not all tasks use, and the heads."""
        owned: list[OwnedWeights] = []
        attached = np.array(self._attached)
        for i, stage in enumerate(self._branches()):
            of_task = self._tree.assignment(i)
            serves = [(of_task == g) & (attached >= i) for g in self._groups[i]]
            rows = rows_of_branches(stage, torch.from_numpy(np.stack(serves)))
            owned += [each for each in rows if not each.owners.all()]
        for stage_of_heads, heads in self._heads():
            owned += rows_of_heads(heads, len(self.tasks), self._at(stage_of_heads))
        return owned

    def for_tasks(self, tasks: TaskSet, places: Sequence[int]) -> "AttachedNetwork":
        """A network for some of the tasks, as far up as the highest of them is attached."""
        again = copy.deepcopy(self)
        again.tasks, again._tree = tasks, self._tree.restricted(tasks.names)
        again._attached = tuple(self._attached[t] for t in places)
        again._groups = [again._needed(i) for i in range(max(again._attached) + 1)]
        stages = []
        for i, stage in enumerate(self._branches()):
            if i < len(again._groups):
                of_task = self._tree.assignment(i)
                firsts = [again._tree.stages[i][g][0] for g in again._groups[i]]
                groups = [int(of_task[self._tree.tasks.index(name)]) for name in firsts]
                stages.append(stage.regrown([self._groups[i].index(g) for g in groups]))
        again.stages, again.heads = nn.ModuleList(stages), nn.ModuleDict()
        for stage_of_heads, heads in self._heads():
            at, kept = self._at(stage_of_heads), again._at(stage_of_heads)
            if kept:
                own = heads.of_tasks(
                    TaskSet([tasks[t] for t in kept]), [at.index(places[t]) for t in kept]
                )
                own.attach(again._readers(stage_of_heads)[1])
                again.heads[str(stage_of_heads)] = own
        again.register_buffer("_order", again._columns(), persistent=False)
        return again

    def parameter_rules(self) -> list[ParameterRule]:
        """None is treated in its own way."""
        return []

    def settings(self) -> Mapping[str, Setting]:
        """The stage of each task."""
        return {"attached": list(self._attached)}

    @classmethod
    def least_numbers(cls, settings: Mapping[str, Setting], backbone: int) -> int:
        """It may be smaller than its backbone."""
        return 0

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """A network like one that was saved."""
        attached = read_settings(_Settings, settings, f"a network {quoted(cls.kind)}").attached
        return cls(parts.backbone, parts.tree, parts.tasks, attached, n_features=parts.n_features)

    def _needed(self, stage: int) -> list[int]:
        """The groups of a stage with a task that is attached there or above."""
        of_task = self._tree.assignment(stage)
        return sorted({int(of_task[t]) for t, at in enumerate(self._attached) if at >= stage})

    def _parents(self, stage: int) -> list[int]:
        if stage == 0:
            return [0] * len(self._groups[0])
        parents = self._tree.parents(stage)
        return [self._groups[stage - 1].index(int(parents[g])) for g in self._groups[stage]]

    def _at(self, stage: int) -> list[int]:
        return [t for t, at in enumerate(self._attached) if at == stage]

    def _readers(self, stage: int) -> tuple[list[int], list[int]]:
        """The branches that heads of a stage read, and for each of its tasks, which of them."""
        of_task = self._tree.assignment(stage)
        branches = [self._groups[stage].index(int(of_task[t])) for t in self._at(stage)]
        read = sorted(set(branches))
        return read, [read.index(branch) for branch in branches]

    def _columns(self) -> Tensor:
        """For each column of the tasks, where it stands among those of the heads."""
        of_task = list(self.tasks.task_of_column)
        stages = sorted(set(self._attached))
        stands = [c for s in stages for t in self._at(s) for c, o in enumerate(of_task) if o == t]
        return torch.tensor(np.argsort(stands))

    def _heads(self) -> Iterator[tuple[int, StackedHeads]]:
        for stage, heads in self.heads.items():
            assert isinstance(heads, StackedHeads)  # for the type checker only
            yield int(stage), heads

    def _branches(self) -> Iterator[Branches]:
        for stage in self.stages:
            assert isinstance(stage, Branches)  # for the type checker only
            yield stage


def _check(tree: SharingTree, tasks: TaskSet, attached: Sequence[int], n_stages: int) -> None:
    if tree.tasks != tasks.names or tree.n_stages != n_stages:
        raise InputError(
            "`tree` must be over the same tasks in the same order as `tasks`, with one level per "
            f"stage of the backbone, {n_stages}. Got {len(tree.tasks)} tasks and {tree.n_stages}"
        )
    if len(attached) != len(tasks):
        raise InputError(
            f"`attached` must have one stage per task, {len(tasks)}. Got {len(attached)}"
        )
    wrong = [stage for stage in attached if not 0 <= stage < n_stages]
    if wrong:
        raise InputError(f"`attached` must be stages from 0 to {n_stages - 1}. Got {wrong[0]}")
