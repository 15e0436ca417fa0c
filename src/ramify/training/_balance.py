"""How the weights of tasks enter the steps of a training."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from lightning_fabric import Fabric
from torch import Tensor

from ramify.losses import TaskLosses
from ramify.training._machines import summed
from ramify.training._rules import Rules
from ramify.training._shared_gradients import SharedGradients
from ramify.weighting import GramWeighting, LossWeighting


class Balance(ABC):
    """Weighs the tasks of one network's training, whatever the rule needs for it.

    Attributes:
        needs_all_rows: Whether every branch has to run every row, not only those of its tasks.
    """

    needs_all_rows: ClassVar[bool]

    @property
    @abstractmethod
    def rules(self) -> Rules[Any]:
        """The rule's copies, and what they remember."""

    @abstractmethod
    def at_forward(self) -> AbstractContextManager[None]:
        """What the forward pass of a step has to run in."""

    @abstractmethod
    def weighed(
        self, losses: Float[Tensor, " task"], counted: Bool[Tensor, " task"]
    ) -> Float[Tensor, " task"]:
        """The losses to pass back in the place of the tasks' own.

        Args:
            losses: This machine's part of each task's loss.
            counted: Which tasks have a loss on some machine: a label, or a pair of rows to compare.
        """

    @abstractmethod
    def after_backward(self) -> None:
        """What is left to do to the gradients."""


class StepLosses:
    """The tasks' losses over all machines, and which tasks take part in a step.

    Args:
        losses: The tasks' losses.
        fabric: The machines.
        summed_up: Whether losses are added up over tasks, not averaged.
    """

    def __init__(self, losses: TaskLosses, fabric: Fabric, *, summed_up: bool = False) -> None:
        self.tasks, self.fabric, self.shares = losses.tasks, fabric, losses.shares
        self.parts = self.shares * (len(self.tasks) if summed_up else 1)
        self._factors = self.shares * len(self.tasks) / fabric.world_size
        self._weighty = self.shares > 0

    def present(self, counted: Bool[Tensor, " task"]) -> Bool[Tensor, " task"]:
        """Those with a loss somewhere, and with a weight of their own."""
        return self._weighty & counted

    def values(self, losses: Float[Tensor, " task"]) -> Float[Tensor, " task"]:
        """Each task's own weight × loss, over the labels of all machines."""
        return summed(self.fabric, self._factors * losses.detach())


class ByLosses(Balance):
    """Multiplies the losses by weights that follow from the losses.

    Args:
        rule: The weighting.
        losses: The tasks' losses.
    """

    needs_all_rows: ClassVar[bool] = False

    def __init__(self, rule: LossWeighting, losses: StepLosses) -> None:
        self._losses = losses
        self._rules = Rules(rule, {"tasks": losses.tasks})

    @property
    def rules(self) -> Rules[LossWeighting]:
        """The rule."""
        return self._rules

    def at_forward(self) -> AbstractContextManager[None]:
        """Nothing."""
        return nullcontext()

    def weighed(self, losses: Tensor, counted: Tensor) -> Tensor:
        """The losses times their weights."""
        here = self._losses.present(counted)
        return losses * self._rules["tasks"].weights(self._losses.values(losses), here)

    def after_backward(self) -> None:
        """Nothing."""


class ByParameters(Balance):
    """Weighs the gradients of all that tasks share: exact, for any network, and slow.

    There is one backward pass per task, and memory for one gradient per task. What serves a single
    task, such as its head, has the gradient of its own loss.

    Args:
        rule: The weighting.
        losses: The tasks' losses.
        gradients: Of the network.
    """

    needs_all_rows: ClassVar[bool] = False

    def __init__(self, rule: GramWeighting, losses: StepLosses, gradients: SharedGradients) -> None:
        self._losses, self._gradients = losses, gradients
        self._rules = Rules(rule, {"tasks": losses.tasks})
        self._mixture = torch.zeros(0)

    @property
    def rules(self) -> Rules[GramWeighting]:
        """The rule."""
        return self._rules

    def at_forward(self) -> AbstractContextManager[None]:
        """Nothing."""
        return nullcontext()

    def weighed(self, losses: Tensor, counted: Tensor) -> Tensor:
        """The losses as they are; the mixture of the tasks' gradients is kept for later."""
        fabric = self._losses.fabric
        rows = self._gradients.of(losses * self._losses.parts)
        rows = summed(fabric, rows) / fabric.world_size
        values, here = self._losses.values(losses), self._losses.present(counted)
        weights = self._rules["tasks"].weights(rows @ rows.T, values, here)
        self._mixture = weights.to(rows) @ rows
        return losses

    def after_backward(self) -> None:
        """The mixture takes the place of the plain gradient."""
        self._gradients.put(self._mixture)
