"""What a way of sharing may do: build a network, watch it train, change it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from ramify.networks import BranchedNetwork, TaskNetwork
from ramify.tasks import SharingTree


@dataclass(frozen=True)
class HeadGradients:
    """The gradients that the tasks' heads pass back to the features, in two factors.

    Attributes:
        outputs: Of the outputs; 0 where unlabelled.
        head_weights: As they were in the step.
        task_of_column: For each output, the place of its task.
        label_mask: True where the row has a label of the task.
        total: All-reduce: the sum of a tensor over ranks.
    """

    outputs: Float[Tensor, "batch column"]
    head_weights: Float[Tensor, "column feature"]
    task_of_column: Int[Tensor, " column"]
    label_mask: Bool[Tensor, "batch task"]
    total: Callable[[Tensor], Tensor]


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


@dataclass(frozen=True)
class StepEvidence:
    """What one training step shows, without any extra pass.

    Attributes:
        margins: Error of each sample for each task, ``(batch, task)``.
        label_mask: True where the sample has a label of the task.
        total: Adds a tensor up over all ranks; None for one rank, which may count later.
    """

    margins: Float[Tensor, "batch task"]
    label_mask: Bool[Tensor, "batch task"]
    total: Callable[[Tensor], Tensor] | None


@dataclass(frozen=True)
class Proposal:
    """A tree to go on with.

    Attributes:
        tree: The tree.
        clarity: How clearly the evidence shows its groups; decides between trees that validation
            data cannot tell apart.
        restart_statistics: Whether the running statistics of the network start over with it.
        keepers: Where groups are joined: for each group of the last stage, the task whose branches
            it goes on with. Then it is no new training that begins: the same one goes on.
    """

    tree: SharingTree
    clarity: float = 0.0
    restart_statistics: bool = False
    keepers: tuple[str, ...] = ()


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


class Remembering(ABC):
    """A way of sharing that learns while a network trains.

    Its tensors and its numbers travel with checkpoints.
    """

    @abstractmethod
    def state_tensors(self) -> dict[str, Tensor]:
        """The tensors that it needs to go on."""

    @abstractmethod
    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave."""


class Observing(Remembering):
    """A way of sharing that learns from the training steps."""

    @abstractmethod
    def observe(self, evidence: StepEvidence | HeadGradients) -> None:
        """Take one step's evidence in.

        Args:
            evidence: Margins; or gradients, only from a way that is `ObservingGradients` and needs
                them.

        Raises:
            InputError: If it is not what is needed.
        """


class ObservingGradients(Observing):
    """A way of sharing that can learn from what the heads pass back, in the place of margins."""

    @property
    @abstractmethod
    def needs_gradients(self) -> bool:
        """Whether the evidence must be that; if not, it costs nothing."""


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
                or for each task; over the whole batch on all ranks, before the gradient is
                clipped. 0 where nobody had a label. Not to be kept: the next step writes over it.
        """


class Restructuring(ABC):
    """A way of sharing that changes the network between steps."""

    @abstractmethod
    def steps_between(self, steps_per_epoch: int) -> int:
        """Number of steps after which `proposals` is asked, again and again.

        In a warm-up it is asked at the end only.

        Args:
            steps_per_epoch: Steps of an epoch; of several, where the training scores the network
                after several epochs only.
        """

    @abstractmethod
    def proposals(self, network: BranchedNetwork, moment: Moment) -> Sequence[Proposal]:
        """Trees to go on with: none to stay, one to change to, several to try each.

        Without `Proposal.keepers` each only divides groups of the network's tree. Where there are
        several, each is trained to the end, and validation data decides.

        Args:
            network: The network as it is.
            moment: When.
        """

    def changed(self, network: TaskNetwork, proposal: Proposal) -> TaskNetwork:
        """The network that goes on with a proposal; by default the same one under another tree.

        Args:
            network: The network as it is; unchanged.
            proposal: What was proposed.
        """
        assert isinstance(network, BranchedNetwork)  # nothing else is asked for proposals
        if proposal.keepers:
            return network.regrouped(proposal.tree, proposal.keepers)
        return network.regrown(proposal.tree, restart_statistics=proposal.restart_statistics)
