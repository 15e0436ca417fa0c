"""What a way of sharing may do that joins branches while the network trains."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ramify.networks import BranchedNetwork
from ramify.sharing._protocols import Proposal, Remembering


@dataclass(frozen=True)
class Moment:
    """When in a training something happens.

    Attributes:
        step: Steps that are done.
        epoch: Epoch that it belongs to, from 1.
        n_steps: Steps of the whole training.
    """

    step: int
    epoch: int
    n_steps: int

    @property
    def is_last(self) -> bool:
        """Whether no step follows."""
        return self.step >= self.n_steps


class ComparingGradients(Remembering):
    """A way of sharing that learns from what the tasks ask of the branches that they read."""

    @property
    @abstractmethod
    def tells_tasks_apart(self) -> bool:
        """Whether it wants a gradient per task where tasks share a branch, and not their sum.

        Then the forward pass runs a shared branch once for each of its tasks.
        """

    @abstractmethod
    def first_compared(self, network: BranchedNetwork) -> int:
        """The first of the last stages whose gradients it compares.

        Args:
            network: The network.
        """

    @abstractmethod
    def compares_at(self, step: int) -> bool:
        """Whether it wants to see a step; the others cost nothing.

        Args:
            step: From 0.
        """

    @abstractmethod
    def compare(self, gradients: Float[Tensor, "row parameter"]) -> None:
        """Take one step's gradients in.

        Args:
            gradients: Of the last stages' weights, without biases: for each branch of these stages,
                or for each task; over the whole batch on all machines, before the gradient is
                clipped. 0 where nobody had a label. Not to be kept: the next step writes over it.
        """


class Merging(ABC):
    """A way of sharing that groups the tasks anew while the training goes on."""

    @abstractmethod
    def steps_between(self, steps_per_epoch: int) -> int:
        """Number of steps after which `regrouping` is asked, again and again."""

    @abstractmethod
    def regrouping(self, network: BranchedNetwork, moment: Moment) -> Proposal | None:
        """The groups to go on with, with their keepers; None to stay.

        Args:
            network: The network as it is.
            moment: When.
        """
