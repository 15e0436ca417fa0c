"""What training needs of any network that learns several tasks."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify.networks._own_rows import OwnRows
from ramify.networks._saved import Parts, Setting
from ramify.tasks import SharingTree, TaskSet


class OwnedWeights(NamedTuple):
    """A tensor of the network's state and the tasks that it serves.

    Attributes:
        tensor: A parameter or buffer.
        owners: ``(row, task)``, True where the row of the tensor's first axis serves the task; a
            single row stands for the whole tensor.
    """

    tensor: Tensor
    owners: Bool[Tensor, "row task"]


class Relation(NamedTuple):
    """How near tasks came to each other in one part of a trained network.

    Attributes:
        name: Of the part.
        matrix: ``(task, task)``, symmetric; higher is nearer.
        meaning: What the numbers mean, in a sentence.
    """

    name: str
    matrix: Float[np.ndarray, "task task"]
    meaning: str


class ParameterRule(NamedTuple):
    """How the optimiser treats one parameter, where that is not the usual way.

    Attributes:
        parameter: The parameter.
        rate: Multiple of the learning rate; 0 leaves it as it is.
        decays: Whether weight decay pulls it towards 0.
    """

    parameter: nn.Parameter
    rate: float
    decays: bool


class TaskNetwork(nn.Module, ABC):
    """A network for several tasks, whatever they share and how.

    Attributes:
        kind: The name under which a file speaks of this kind of network; by default that of the
            class, so that no kind is taken for the one that it derives from.
        tasks: The tasks.
    """

    kind: ClassVar[str]
    tasks: TaskSet
    _own_rows: OwnRows | None = None

    def __init_subclass__(cls) -> None:
        """A kind that is not named is called as its class."""
        super().__init_subclass__()
        if "kind" not in vars(cls):
            cls.kind = cls.__name__

    def forward(self, inputs: Tensor) -> Float[Tensor, "batch column"]:
        """Outputs of all tasks, in the columns that `TaskSet` tells.

        Args:
            inputs: ``(batch, …)``, as the backbone takes them.
        """
        return self.read(self.features(inputs))

    @abstractmethod
    def features(self, inputs: Tensor) -> Float[Tensor, "branch batch feature"]:
        """What the heads read.

        Args:
            inputs: ``(batch, …)``, as the backbone takes them.
        """

    @abstractmethod
    def read(
        self, features: Float[Tensor, "branch batch feature"]
    ) -> Float[Tensor, "batch column"]:
        """What the heads make of the features.

        Args:
            features: What `features` gave.
        """

    def own_rows(self, label_mask: Bool[Tensor, "batch task"]) -> OwnRows | None:
        """The rows that each branch has to run where only labelled outputs are asked for.

        None where every branch runs all: rows are labelled for most branches, or the network
        looks at other tasks' features or at statistics of the whole batch.

        Args:
            label_mask: True where a label was observed; on the CPU.
        """
        return None

    @contextmanager
    def asked_for(self, label_mask: Bool[Tensor, "batch task"] | None) -> Iterator[None]:
        """Within the block, only outputs beside a label are asked for; others mean nothing.

        Args:
            label_mask: True where a label was observed, on the CPU; None to ask for all outputs.
        """
        rows = None if label_mask is None else self.own_rows(label_mask)
        self._own_rows = None if rows is None else rows.to(next(self.parameters()).device)
        try:
            yield
        finally:
            self._own_rows = None

    @property
    @abstractmethod
    def tree(self) -> SharingTree:
        """Which tasks have a copy of which stages in common."""

    @property
    @abstractmethod
    def components(self) -> NDArray[np.int64]:
        """For each task, the number of the part that stands on its own, from 0.

        Tasks of different parts share nothing: each part keeps the weights of its own best epoch.
        """

    @abstractmethod
    def owned_weights(self) -> list[OwnedWeights]:
        """Every parameter and running statistic that does not serve all tasks, with its tasks.

        Training uses it to leave alone what a batch says nothing about.
        """

    @abstractmethod
    def parameter_rules(self) -> list[ParameterRule]:
        """The parameters that the optimiser treats in their own way."""

    def relations(self) -> list[Relation]:
        """How near the tasks came to each other, part by part; empty where the tree says it all."""
        return []

    @abstractmethod
    def settings(self) -> Mapping[str, Setting]:
        """What the network was made with, beside backbone, tree and tasks; see `network_from`."""

    @classmethod
    @abstractmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """A network like one that was saved; its weights are to be loaded.

        Args:
            parts: What every network is built from.
            settings: What its `settings` gave; check it, see `read_settings`.

        Raises:
            InputError: If a setting does not fit.
        """
