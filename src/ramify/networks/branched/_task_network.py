"""What training needs of any network that learns several tasks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import Setting
from ramify.data import Nested
from ramify.networks.backbones import (
    KnowsPadding,
    Parts,
    Positions,
    ReadsPositions,
    means_of,
    positions_of,
    told_of_padding,
)
from ramify.networks.branched._branches import Features
from ramify.networks.branched._row_routing import OwnRows
from ramify.networks.stacked import as_read, check_width, vectors
from ramify.tasks import ROW, SharingTree, TaskSet, Unit


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


class TaskModel(nn.Module, ABC):
    """What was fitted to several tasks, whatever it is made of: it predicts, and is saved.

    Attributes:
        kind: The name under which a file speaks of this kind; by default that of the class, so that
            none is taken for the one that it derives from.
        gives_predictions: Whether it gives probabilities and values, not the outputs of heads.
        has_backbone: Whether it is made of the stages of a backbone, which its file then describes.
        tasks: The tasks.
    """

    kind: ClassVar[str]
    gives_predictions: ClassVar[bool] = False
    has_backbone: ClassVar[bool] = False
    tasks: TaskSet

    def __init_subclass__(cls) -> None:
        """A kind that is not named is called as its class."""
        super().__init_subclass__()
        if "kind" not in vars(cls):
            cls.kind = cls.__name__

    @abstractmethod
    def forward(self, inputs: Nested) -> Float[Tensor, "unit column"]:
        """Outputs of all tasks, in the columns that `TaskSet` tells.

        Args:
            inputs: Encoded rows, ``(batch, …)``.
        """

    @property
    @abstractmethod
    def tree(self) -> SharingTree:
        """Which tasks have a copy of which stages in common."""

    @abstractmethod
    def settings(self) -> Mapping[str, Setting]:
        """What it was made with, beside backbone, tree and tasks; see `network_from`."""

    @classmethod
    @abstractmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """One like one that was saved; its numbers are to be loaded.

        Args:
            parts: What every one is built from.
            settings: What its `settings` gave; check it, see `read_settings`.

        Raises:
            InputError: If a setting does not fit.
        """

    @classmethod
    def least_numbers(cls, settings: Mapping[str, Setting], backbone: int) -> int:
        """Numbers that a model of these settings holds at least.

        What a file describes is not built where the file holds fewer.

        Args:
            settings: What its `settings` gave.
            backbone: Numbers of one copy of the backbone; 0 without.
        """
        return backbone

    def check(self) -> None:
        """Refuse numbers of a file that make no model.

        Raises:
            InputError: If they do not.
        """
        return


class TaskNetwork(TaskModel):
    """A network for several tasks, whatever they share and how.

    Attributes:
        unit: What the positions of its features are; a row if they have none.
        reader: What turns inputs into what the first stage takes; None for nothing.
        positions: Those of the last batch; None where features have none.
    """

    has_backbone = True

    def __init__(self) -> None:
        super().__init__()
        self.unit: Unit = ROW
        self.reader: ReadsPositions | None = None
        self.positions: Positions | None = None
        self._own_rows: OwnRows | None = None
        self._real: Tensor | None = None
        self._weigh: Callable[[Tensor], Tensor] = means_of

    def forward(self, inputs: Nested) -> Float[Tensor, "unit column"]:
        """Outputs of all tasks, in the columns that `TaskSet` tells.

        Args:
            inputs: ``(batch, …)``, or a structure of such tensors, as the backbone takes them.

        Returns:
            One line for each unit: the rows first, if a task is of rows, then all positions of the
            first row, of the second, and so on, if a task is of them.
        """
        return self.read(self.features(inputs))

    def features(self, inputs: Nested) -> Float[Tensor, "branch unit feature"]:
        """What the heads read.

        Args:
            inputs: ``(batch, …)``, or a structure of such tensors, as the backbone takes them.
        """
        if self.unit == ROW:
            x = self.maps(inputs)
            return x if x.ndim == 3 else x.flatten(2)
        modules = list(self.modules())
        reader = next((m for m in modules if isinstance(m, ReadsPositions)), None)
        self._real = None if reader is None else reader.real(inputs)
        self._weigh = means_of if reader is None else reader.row_weights
        with told_of_padding([m for m in modules if isinstance(m, KnowsPadding)], self._real):
            x = self.maps(inputs)
        self.positions = positions_of(x, self.tasks, self.unit, self._real, self._weigh)
        return self.positions.units(x)

    @abstractmethod
    def maps(self, inputs: Nested) -> Float[Tensor, "branch batch ..."]:
        """What the last stage gives, branch by branch.

        Where features have positions they are ``(branch, batch, *positions, feature)``, see
        `channels_last`; else of any shape after the batch.

        Args:
            inputs: As for `features`.
        """

    @abstractmethod
    def read(self, features: Float[Tensor, "branch unit feature"]) -> Float[Tensor, "unit column"]:
        """What the heads make of the features.

        Args:
            features: What `features` gave.
        """

    def entered(self, inputs: Nested) -> Features:
        """What the first stage reads; inputs of some structure as the only one of a list.

        Args:
            inputs: As for `features`.
        """
        x = inputs if self.reader is None else self.reader(inputs)
        return x.unsqueeze(0) if isinstance(x, Tensor) else [x]

    def channels_last(self, x: Float[Tensor, "branch batch ..."]) -> Tensor:
        """Features with the positions before the channels, whatever the unit.

        Args:
            x: As the stages give them.
        """
        return x.movedim(2, -1) if self.unit.channels_first and x.ndim > 3 else x

    def by_channel(
        self, change: Callable[[Tensor], Tensor], x: Float[Tensor, "branch batch ..."]
    ) -> Tensor:
        """Run what works on ``(branch, batch, channel, …)``, also where the channels come last.

        Args:
            change: What to run; it keeps the number of axes.
            x: Features as the stages give them.
        """
        if self.unit == ROW or self.unit.channels_first or x.ndim < 4:
            return change(x)
        return change(x.movedim(-1, 2)).movedim(2, -1)

    def vectors(
        self, x: Float[Tensor, "branch batch ..."], width: int | None = None
    ) -> Float[Tensor, "branch batch channel"]:
        """One vector for each row: of maps the mean over space, of positions that of the real ones.

        Args:
            x: Features as the stages give them.
            width: What the reader expects; maps that have it when they are flattened are flattened.
                None for means.

        Raises:
            ShapeError: If they do not have that width.
        """
        if self.unit == ROW or x.ndim == 3:
            return vectors(x) if width is None else as_read(x, width)
        inside = self.channels_last(x)
        real, sizes = self._real, inside.shape[1:-1]
        if real is None or real.shape != sizes:  # a stage may have halved the resolution
            real = torch.ones(sizes, dtype=torch.bool, device=x.device)
        weights = self._weigh(real).flatten(1).to(inside)
        found = torch.einsum("bp,gbpf->gbf", weights, inside.flatten(2, -2))
        if width is not None:
            check_width(found, width)
        return found

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

    def without_auxiliary(self) -> "TaskNetwork":
        """A network for the main tasks only, that computes the same for them.

        Everything that serves auxiliary tasks only is left out.

        Returns:
            A new network that shares no memory with this one; this one if all tasks are main.

        Raises:
            InputError: If no task is main.
        """
        wanted = self.tasks.main
        if len(wanted) == len(self.tasks):
            return self
        names = self.tasks.names
        return self.for_tasks(wanted, [names.index(name) for name in wanted.names])

    @abstractmethod
    def for_tasks(self, tasks: TaskSet, places: Sequence[int]) -> "TaskNetwork":
        """A network for some of the tasks, that computes the same for them.

        What serves no task of them is left out, as far as the others do not read it.

        Args:
            tasks: Those tasks, in their order.
            places: Their places among all.

        Returns:
            A new network that shares no memory with this one.
        """

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
