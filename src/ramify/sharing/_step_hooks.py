"""What takes part in the steps of a training beside the losses and the optimiser."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.optim import Optimizer

from ramify.data import Batch, Nested
from ramify.losses import TaskLosses
from ramify.networks import TaskNetwork


@dataclass(frozen=True, eq=False)
class HookContext:
    """What a hook may know of the training of one network.

    Attributes:
        network: The network, on its device.
        optimiser: Its optimiser.
        losses: The tasks' losses.
        seed: Of the random numbers of this training.
        learns_structure: Whether the strategy may still change the network, and learns for that.
        world_size: How many ranks train together.
        total: Adds a tensor up over all ranks.
        labels_per_task: Gives the training labels of a task, on average over tasks, of all ranks;
            of some loaders it costs a pass through them.
    """

    network: TaskNetwork
    optimiser: Optimizer
    losses: TaskLosses
    seed: int
    learns_structure: bool
    world_size: int
    total: Callable[[Tensor], Tensor]
    labels_per_task: Callable[[], float]


@dataclass(slots=True, eq=False)
class Step:
    """One step of a training, as far as it has come.

    Attributes:
        number: Which it is of the whole training, from 0.
        learning_rate: Its step size.
        batch: The rows.
        present: For each task, whether any rank has a label of it.
        inputs: Of the batch, on the device.
        targets: Of the batch, on the device; a line for each unit (see `ramify.data.Units`).
        label_mask: Of the batch, on the device.
        pairs: Rows to compare, for tasks that compare rows; None for all.
        outputs: Of the network. There from `StepHook.after_forward` on.
        losses: This rank's part of each task's mean loss. There from `StepHook.weigh` on.
        counted: Which tasks have a loss on any rank: a label, or a pair of rows to compare.
        loss: Their mean over tasks, as no hook has weighed it.
    """

    number: int
    learning_rate: float
    batch: Batch
    present: Sequence[bool]
    inputs: Nested
    targets: Float[Tensor, "unit task"]
    label_mask: Bool[Tensor, "unit task"]
    pairs: Int64[Tensor, "2 pair"] | None = None
    outputs: Float[Tensor, "unit column"] = field(init=False)
    losses: Float[Tensor, " task"] = field(init=False)
    counted: Bool[Tensor, " task"] = field(init=False)
    loss: Float[Tensor, ""] = field(init=False)


class StepHook:
    """Takes part in the steps of a training; override what it needs.

    A training calls only what is overridden, so that the rest costs nothing. Every network that is
    trained (after a change of the tree it is another one) starts its hooks again, and a hook's
    state travels with the checkpoint. In each step the methods are called in the order in which they
    stand here; among hooks first those of the training itself, then those of the strategy, then
    those of the user, in the order in which they were given.

    Attributes:
        name: Under which its state is kept; by default the name of the class.
        needs_all_rows: Whether every branch has to run every row, not only those of its tasks.

    Example:
        >>> class Norms(StepHook):
        ...     def start(self, context):
        ...         self.norms, self._heads = [], context.network.heads
        ...
        ...     def after_backward(self, step):
        ...         self.norms.append(self._heads.weight.grad.norm())
    """

    name: str = ""
    needs_all_rows: bool = False

    def start(self, context: HookContext) -> None:
        """Get ready for the training of a network; forget the one before.

        Args:
            context: What is trained.
        """

    def take_over(self, state: Mapping[str, Tensor]) -> None:
        """Go on where the training of the same tasks with another tree left off; after `start`.

        Args:
            state: What `state` gave there.
        """

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; after `start`.

        Args:
            state: Not empty.
        """

    def on_batch(self, batch: Batch, number: int) -> Batch:
        """The batch to learn from in the place of the one that comes.

        Args:
            batch: The rows.
            number: Of the step, from 0.
        """
        return batch

    def before_forward(self, step: Step) -> None:
        """Before anything of the network is moved; not called for a batch without any label."""

    def forward_context(self, step: Step) -> AbstractContextManager[None]:
        """What the forward pass has to run in."""
        return nullcontext()

    def after_forward(self, step: Step) -> None:
        """The outputs are there, and nothing was passed back."""

    def weigh(self, step: Step, losses: Float[Tensor, " task"]) -> Float[Tensor, " task"]:
        """The losses to pass back in the place of these.

        Args:
            step: The step.
            losses: This rank's part of each task's loss.
        """
        return losses

    def penalty(self, step: Step) -> Float[Tensor, ""] | None:
        """What is added to the mean loss, the same on every rank; no hook weighs it."""
        return None

    def after_backward(self, step: Step) -> None:
        """The gradients are there, whole and not clipped; a hook may change them."""

    def after_step(self, step: Step) -> None:
        """The optimiser has moved the weights; a hook may move them further."""

    def after_epoch(self) -> None:
        """An epoch is over."""

    def flush(self) -> None:
        """Do now what was put off: a state is about to be saved, or the tree to be looked at."""

    def state(self) -> Mapping[str, Tensor]:
        """The tensors that it needs to go on."""
        return {}


def overriding(hooks: Sequence[StepHook], moment: Callable[..., Any]) -> list[Callable[..., Any]]:
    """What hooks do at a moment, of those that do something then.

    Args:
        hooks: The hooks, in their order.
        moment: A method of `StepHook`.
    """
    name = moment.__name__
    return [getattr(hook, name) for hook in hooks if getattr(type(hook), name) is not moment]
