"""Mixtures of experts: for all tasks, or beside experts of each task's own."""

from abc import abstractmethod
from dataclasses import dataclass

from ramify._core import checked
from ramify.networks import Backbone, ExpertNetwork, ExpertPlan, TaskNetwork
from ramify.sharing._strategy import Sharing
from ramify.tasks import TaskSet


class _Experts(Sharing):
    """A way of sharing by experts."""

    network = ExpertNetwork

    @abstractmethod
    def plan(self) -> ExpertPlan:
        """How many experts, and of what."""

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> TaskNetwork:
        """The network of experts.

        Raises:
            InputError: If no stage is left for experts.
        """
        return ExpertNetwork(backbone, tasks, self.plan(), n_features=n_features)


@checked
@dataclass(frozen=True)
class MMoE(_Experts):
    """Several networks as experts of all tasks; each task mixes what they give by a gate.

    Attributes:
        n_experts: How many, 1 or more. A single one is hard sharing.
        trunk_stages: Lowest stages that all share; for images 1 or more is best.

    Raises:
        InputError: If a number is out of range.

    References:
        Ma, Zhao, Yi, Chen, Hong, Chi. *Modeling Task Relationships in Multi-task Learning with
        Multi-gate Mixture-of-Experts*, KDD 2018.
    """

    name = "mmoe"
    label = "experts of all tasks, mixed by a gate per task"

    n_experts: int = 4
    trunk_stages: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        self.plan()

    def plan(self) -> ExpertPlan:
        """Shared experts only."""
        return ExpertPlan(n_shared=self.n_experts, trunk_stages=self.trunk_stages)


@checked
@dataclass(frozen=True)
class CGC(_Experts):
    """Experts of each task's own beside those of all: customised gate control.

    Attributes:
        n_shared: Experts of all tasks, 0 or more.
        n_own: Experts of each task, 0 or more.
        trunk_stages: Lowest stages that all share; for images 1 or more is best.

    Raises:
        InputError: If a number is out of range, or there is no expert.

    References:
        Tang, Liu, Zhao, Gong. *Progressive Layered Extraction (PLE)*, RecSys 2020, section 3.2.
    """

    name = "cgc"
    label = "experts of all tasks beside those of each"

    n_shared: int = 1
    n_own: int = 1
    trunk_stages: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        self.plan()

    def plan(self) -> ExpertPlan:
        """One level of experts."""
        return ExpertPlan(self.n_shared, self.n_own, self.trunk_stages)


@checked
@dataclass(frozen=True)
class PLE(_Experts):
    """Progressive layered extraction: `CGC` stage by stage, with a shared stream beside.

    The shared stream has a gate over the experts of all tasks, at every stage but the last.

    Attributes:
        n_shared: Experts of all tasks at each stage, 0 or more.
        n_own: Experts of each task at each stage, 0 or more.
        trunk_stages: Lowest stages that all share; for images 1 or more is best.

    Raises:
        InputError: If a number is out of range, or there is no expert.

    References:
        Tang, Liu, Zhao, Gong. *Progressive Layered Extraction (PLE)*, RecSys 2020, section 3.3.
    """

    name = "ple"
    label = "experts of all tasks and of each, stage by stage"

    n_shared: int = 1
    n_own: int = 1
    trunk_stages: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        self.plan()

    def plan(self) -> ExpertPlan:
        """A level of experts per stage."""
        return ExpertPlan(self.n_shared, self.n_own, self.trunk_stages, progressive=True)
