"""Networks of experts: mixtures for all tasks, with or without experts of each task's own."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, Setting, quoted
from ramify.data import Nested
from ramify.networks.architectures._expert_level import ExpertLevel
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
    OwnedWeights,
    ParameterRule,
    StackedHeads,
    TaskNetwork,
    rows_of_heads,
)
from ramify.networks.stacked import width_read
from ramify.tasks import SharingTree, TaskSet


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
