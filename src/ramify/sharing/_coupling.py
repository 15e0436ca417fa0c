"""What a way of sharing may do while its network trains: hold weights together, set turns."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from jaxtyping import Float
from torch import Tensor

from ramify.networks import TaskNetwork


class Coupling(ABC):
    """A way of sharing that adds to the loss, or moves weights after each step.

    What it does is told how many labels there are, so that one strength fits data of any size: a
    prior of the weights counts less, the more labels speak. Its tensors travel with checkpoints.
    """

    @property
    @abstractmethod
    def ties(self) -> bool:
        """Whether all tasks' weights belong together, so that one best epoch is kept for all."""

    @abstractmethod
    def penalty(
        self, network: TaskNetwork, n_labels: float, loss: Float[Tensor, ""]
    ) -> Float[Tensor, ""] | None:
        """What the loss gets on top; None for nothing, at no cost.

        Args:
            network: The network.
            n_labels: Training labels of a task, on average over tasks.
            loss: The mean loss of the step, as a constant.
        """

    @abstractmethod
    def after_step(self, network: TaskNetwork, rate: float, n_labels: float) -> None:
        """Called after every step of the optimiser, such as for a proximal step.

        Args:
            network: The network; may be changed in place.
            rate: Learning rate of the step.
            n_labels: Training labels of a task, on average over tasks.
        """

    @abstractmethod
    def coupling_tensors(self) -> dict[str, Tensor]:
        """The tensors that it needs to go on."""

    @abstractmethod
    def load_coupling_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `coupling_tensors` gave."""


class TakingTurns(ABC):
    """A way of sharing in whose steps not all tasks learn."""

    @abstractmethod
    def turn(self, step: int, n_tasks: int) -> Sequence[int] | None:
        """The places of the tasks that learn in a step; None for all.

        Labels of the others are hidden, and what serves only them stays as it is.

        Args:
            step: From 0.
            n_tasks: Number of tasks.
        """
