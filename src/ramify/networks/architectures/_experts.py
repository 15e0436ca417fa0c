"""Networks of experts: mixtures for all tasks, with or without experts of each task's own."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, Setting, checked, quoted
from ramify.data import Nested
from ramify.networks.backbones import (
    Backbone,
    Parts,
    ReadsPositions,
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
    each_its_own,
    rows_of,
    rows_of_branches,
    rows_of_heads,
)
from ramify.networks.stacked import width_read
from ramify.tasks import SharingTree, TaskSet


@torch.no_grad()
def redrawn(module: nn.Module) -> nn.Module:
    """A copy whose every weight tensor is shuffled.

    Weights that were drawn independently are then a fresh draw from the same distribution,
    whatever that is; scales and shifts of norms, and buffers, stay as they are.

    Args:
        module: The module; unchanged.

    Example:
        >>> layer = nn.Linear(4, 3)
        >>> again = redrawn(layer)
        >>> sorted(again.weight.flatten().tolist()) == sorted(layer.weight.flatten().tolist())
        True
    """
    fresh = copy.deepcopy(module)
    for layer in fresh.modules():
        if "Norm" in type(layer).__name__:
            continue
        for parameter in layer.parameters(recurse=False):
            order = torch.randperm(parameter.numel()).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return fresh


class ExpertLevel(nn.Module):
    r"""Experts of each task, experts of all, and for each task a gate over those that it sees.

    .. math:: y_t = \sum_e \mathrm{softmax}(G_t x_t)_e\, f_e(x_{(e)})

    Task *t* sees its own experts and the shared ones. Streams are the tasks' and, beside a level
    that follows, the shared one, whose gate sees every expert. A task's experts read its stream,
    the shared ones the shared stream. Gates start even.

    Args:
        expert: What one expert is; the first one of each task (or of all, where tasks have none)
            is a copy, all others are redrawn.
        width: Width of the vectors that the gates read.
        n_tasks: Number of tasks.
        n_own: Experts of each task.
        n_shared: Experts of all.
        goes_on: Whether a level follows, which needs a shared stream.
    """

    def __init__(
        self,
        expert: nn.Module,
        width: int,
        n_tasks: int,
        *,
        n_own: int,
        n_shared: int,
        goes_on: bool,
    ) -> None:
        super().__init__()
        self.n_tasks, self.n_own, self.n_shared = n_tasks, n_own, n_shared
        draws = [expert, *(redrawn(expert) for _ in range(n_own + n_shared - 1))]
        own = [draws[k] for _ in range(n_tasks) for k in range(n_own)]
        self.experts = _copies([*own, *draws[n_own:]])
        self.gates = nn.Parameter(torch.zeros(n_tasks, n_own + n_shared, width))
        self.shared_gate: nn.Parameter | None = None
        if goes_on and n_shared:
            self.shared_gate = nn.Parameter(torch.zeros(len(own) + n_shared, width))

    def forward(
        self, x: Float[Tensor, "stream batch *shape"], read: Float[Tensor, "stream batch width"]
    ) -> Float[Tensor, "stream batch *shape"]:
        """Run the experts and mix what they give.

        Args:
            x: One stream for all, or the tasks' streams and the shared one.
            read: What the gates read of them.
        """
        given = self._given(x)
        n_experts = self.n_tasks * self.n_own + self.n_shared
        parents = [0] * n_experts if len(given) == 1 else range(n_experts)
        seen = self.experts(given, parents)
        experts = torch.stack(seen) if isinstance(seen, list) else seen
        shape = experts.shape[2:]
        flat = experts.reshape(*experts.shape[:2], -1)  # (expert, batch, value)
        mixed = self._of_tasks(flat, read)
        if self.shared_gate is not None:
            share = (read[-1] @ self.shared_gate.T).softmax(-1)
            shared = torch.einsum("be,ebv->bv", share, flat)
            mixed = torch.cat([mixed, shared.unsqueeze(0)])
        return mixed.view(*mixed.shape[:2], *shape)

    def keep(self, tasks: Sequence[int]) -> None:
        """Forget the experts and gates of all other tasks, if no level follows.

        Args:
            tasks: Places of those that stay.
        """
        own = [t * self.n_own + k for t in tasks for k in range(self.n_own)]
        first = self.n_tasks * self.n_own
        self.experts = self.experts.regrown([*own, *range(first, first + self.n_shared)])
        self.gates = nn.Parameter(self.gates.detach()[list(tasks)])
        self.n_tasks = len(tasks)

    def owned_weights(self) -> Iterator[OwnedWeights]:
        """What serves single tasks, if no level follows."""
        own = each_its_own(self.n_tasks)
        of_all = torch.ones(self.n_shared, self.n_tasks, dtype=torch.bool)
        serves = torch.cat([own.repeat_interleave(self.n_own, 0), of_all])
        for rows in rows_of_branches(self.experts, serves):
            if not rows.owners.all():
                yield rows
        yield from rows_of([self.gates], own)

    def _of_tasks(self, flat: Tensor, read: Tensor) -> Tensor:
        gates = self.gates
        if len(read) == 1:
            logits = torch.einsum("bf,tef->tbe", read[0], gates)
        else:
            logits = torch.bmm(read[: self.n_tasks], gates.transpose(1, 2))
        share = logits.softmax(-1)
        n_private = self.n_tasks * self.n_own
        parts = []
        if self.n_own:
            private = flat[:n_private].view(self.n_tasks, self.n_own, *flat.shape[1:])
            parts.append(torch.einsum("tbe,tebv->tbv", share[..., : self.n_own], private))
        if self.n_shared:
            parts.append(torch.einsum("tbe,ebv->tbv", share[..., self.n_own :], flat[n_private:]))
        return sum(parts[1:], parts[0])

    def _given(self, x: Tensor) -> Tensor:
        """What every expert reads; one for all where all read the same."""
        if len(x) == 1 or self.n_own == 0:
            return x[-1:]
        own = x[: self.n_tasks].repeat_interleave(self.n_own, 0)
        return torch.cat([own, *([x[-1:]] * self.n_shared)])


def _copies(experts: Sequence[nn.Module]) -> Branches:
    """Stacked where possible; a module that appears twice is copied."""
    if len({id(each) for each in experts}) == len(experts):
        return Branches(experts)
    sources = list({id(each): each for each in experts}.values())
    places = [next(i for i, s in enumerate(sources) if s is each) for each in experts]
    return Branches(sources).regrown(places)


@checked
@dataclass(frozen=True)
class ExpertPlan:
    """How many experts there are, and of which stages.

    Attributes:
        n_shared: Experts that all tasks see.
        n_own: Experts of each task.
        trunk_stages: Lowest stages that all tasks share as they are. For images 1 or more is
            best: gates read features averaged over space.
        progressive: Whether every stage after the trunk is a level of its own; if not, an expert
            is the whole network after the trunk.

    Raises:
        InputError: If a number is negative, or there is no expert.
    """

    n_shared: int = 4
    n_own: int = 0
    trunk_stages: int = 0
    progressive: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("n_shared", "n_own", "trunk_stages"):
            if getattr(self, name) < 0:
                raise InputError(f"`{name}` must be 0 or more. Got {getattr(self, name)}")
        if self.n_shared + self.n_own == 0:
            raise InputError("`n_shared` and `n_own` must not both be 0; there is no expert")


class ExpertNetwork(TaskNetwork):
    """Experts that are copies of a backbone, and gates by which each task mixes them.

    With shared experts only and one level it is a multi-gate mixture of experts; with experts of
    each task's own a customised gate control; with a level per stage progressive layered
    extraction, whose shared stream has a gate over all experts.

    Args:
        backbone: An ``nn.Sequential`` or a list of modules. Copied, never changed.
        tasks: The tasks.
        plan: How many experts, and of what.
        n_features: As for `BranchedNetwork`.

    Raises:
        InputError: If no stage is left for experts.

    References:
        Ma et al. *Modeling Task Relationships in Multi-task Learning with Multi-gate
        Mixture-of-Experts*, KDD 2018; Tang et al. *Progressive Layered Extraction*, RecSys 2020.

    Example:
        >>> import torch
        >>> from ramify.tasks import Binary, Task
        >>> tasks = TaskSet([Task(name, Binary()) for name in "ab"])
        >>> network = ExpertNetwork([nn.Linear(8, 4)], tasks, ExpertPlan(n_shared=3))
        >>> network(torch.zeros(5, 8)).shape
        torch.Size([5, 2])
    """

    kind: ClassVar[str] = "experts"

    def __init__(
        self, backbone: Backbone, tasks: TaskSet, plan: ExpertPlan, *, n_features: int | None = None
    ) -> None:
        super().__init__()
        parts = copied_stages(backbone)
        self.unit = unit_of(tasks, parts)
        self.reader, parts = without_reader(parts)
        width = feature_width(parts, self.unit) if n_features is None else n_features
        self.tasks, self.plan = tasks, plan
        self._places = list(range(len(tasks)))  # of the tasks among those that have gates
        self._tree = SharingTree.shared(tasks.names, len(parts))
        self.heads = StackedHeads(width, tasks)
        self.heads.attach(range(len(tasks)))
        # Gates read vectors, which words have only once a first stage has made some of them.
        n_shared = max(plan.trunk_stages, int(_reads_words(parts[0])))
        self.trunk = nn.Sequential(*parts[:n_shared])
        bodies = _bodies(parts[n_shared:], plan)
        self.levels = nn.ModuleList(
            ExpertLevel(
                body,
                width_read(body),
                len(tasks),
                n_own=plan.n_own,
                n_shared=plan.n_shared,
                goes_on=i + 1 < len(bodies),
            )
            for i, body in enumerate(bodies)
        )

    def maps(self, inputs: Nested) -> Float[Tensor, "task batch ..."]:
        """Every task's mixture."""
        x: Tensor = self.trunk(inputs if self.reader is None else self.reader(inputs)).unsqueeze(0)
        for level in self._levels():
            x = level(x, self.vectors(x, level.gates.shape[2]))
        return self.channels_last(x)

    def read(self, features: Float[Tensor, "task unit feature"]) -> Tensor:
        """What the heads make of the features."""
        if len(self._places) < len(features):
            features = features[self._places]
        outputs: Tensor = self.heads(features)
        return outputs

    @property
    def tree(self) -> SharingTree:
        """All tasks use the same stages, if in different shares."""
        return self._tree

    @property
    def components(self) -> NDArray[np.int64]:
        """One part, unless there is neither a trunk nor a shared expert."""
        n_tasks = len(self.tasks)
        return np.zeros(n_tasks, np.int64) if self._couples() else np.arange(n_tasks)

    def owned_weights(self) -> list[OwnedWeights]:
        """Experts and gates of single tasks at the last level (at all, if none is shared)."""
        owned: list[OwnedWeights] = []
        for i, level in enumerate(self._levels(), 1):
            if self.plan.n_shared == 0 or i == len(self.levels):
                owned += level.owned_weights()
        return [*owned, *rows_of_heads(self.heads, len(self.tasks))]

    def for_tasks(self, tasks: TaskSet, places: Sequence[int]) -> "ExpertNetwork":
        """A network for some of the tasks; of several levels only the heads of others are left out.

        There the shared stream reads the experts of all tasks.
        """
        again = copy.deepcopy(self)
        again.tasks, again.heads = tasks, self.heads.of_tasks(tasks, places)
        again.heads.attach(range(len(tasks)))
        if len(self.levels) > 1:
            again._places = [self._places[place] for place in places]
            return again
        again._tree = self._tree.restricted(tasks.names)
        again._places = list(range(len(tasks)))
        for level in again._levels():
            level.keep(places)
        return again

    def parameter_rules(self) -> list[ParameterRule]:
        """None is treated in its own way."""
        return []

    def settings(self) -> Mapping[str, Setting]:
        """The plan."""
        return asdict(self.plan)

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """A network like one that was saved."""
        plan = read_settings(ExpertPlan, settings, f"a network {quoted(cls.kind)}")
        return cls(parts.backbone, parts.tasks, plan, n_features=parts.n_features)

    def _couples(self) -> bool:
        return self.plan.n_shared > 0 or self.plan.trunk_stages > 0

    def _levels(self) -> Iterator[ExpertLevel]:
        for level in self.levels:
            assert isinstance(level, ExpertLevel)  # for the type checker only
            yield level


def _reads_words(stage: nn.Module) -> bool:
    """Whether what a stage reads are no vectors: numbers of words, or inputs of some structure."""
    return any(isinstance(layer, nn.Embedding | ReadsPositions) for layer in stage.modules())


def _bodies(parts: list[nn.Module], plan: ExpertPlan) -> list[nn.Module]:
    if not parts:
        raise InputError(
            f"`trunk_stages` must leave a stage for the experts. Got {plan.trunk_stages}"
        )
    if plan.progressive or len(parts) == 1:
        return parts
    return [nn.Sequential(*parts)]
