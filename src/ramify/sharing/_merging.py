"""What a way of sharing may do that joins branches while the network trains."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from ramify.networks import BranchedNetwork
from ramify.sharing._protocols import Proposal, Remembering


@dataclass(frozen=True)
class GradientEvidence:
    """What each task's loss asks of its branches in one training step, without any extra pass.

    Attributes:
        gradients: Of the weights of the last stages, over the whole batch on all machines, before
            the gradient is clipped; 0 for a task without a label.
        present: Whether any machine had a label of the task.
    """

    gradients: Float[Tensor, "task parameter"]
    present: Bool[Tensor, " task"]


@dataclass(frozen=True)
class Moment:
    """When in a training something happens.

    Attributes:
        step: Steps that are done.
        epoch: Epoch that it belongs to, from 1.
        is_last: Whether no step follows.
    """

    step: int
    epoch: int
    is_last: bool


class ComparingGradients(Remembering):
    """A way of sharing that learns from the gradients of single tasks."""

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
    def compare(self, evidence: GradientEvidence) -> None:
        """Take one step's gradients in.

        Args:
            evidence: The gradients; not to be kept, the next step may write over them.
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
