"""The two kinds of weightings, and what a weighting may need beside the numbers of one step."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from ramify._core import Described, InputError, ShapeError
from ramify.tasks import TaskSet

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Places = NDArray[np.int64]


class Weighting(Described):
    """A rule that says how much each task's loss counts in a step.

    The weights multiply the tasks' losses, and the mean over tasks is minimised; so 1 is neutral
    and `Equal` gives 1 to every task. A task without a label in the batch is *absent*: its weight
    is 0, and it has no influence on the others.
    """

    def check(self, n_tasks: int) -> None:
        """Refuse before the first step what does not fit.

        Args:
            n_tasks: Number of tasks.

        Raises:
            InputError: If it does not.
        """
        return

    def for_tasks(self, places: Sequence[int]) -> "Weighting":
        """The same for some of the tasks; one that has a number per task leaves out the others'.

        Args:
            places: Those tasks, by their places among all.
        """
        return self


class LossWeighting(Weighting):
    """A weighting that needs the losses only."""

    @torch.no_grad()
    def weights(
        self, losses: Float[Tensor, " task"], present: Bool[Tensor, " task"]
    ) -> Float[Tensor, " task"]:
        """Weights for one step; what learns from the losses learns now.

        Args:
            losses: Loss of each task, 0 or more; any value where absent.
            present: True where the task has a label in the batch.

        Returns:
            One weight per task, constant in the backward pass; 0 where absent.

        Raises:
            ShapeError: If the two do not have one entry per task.
        """
        if losses.ndim != 1 or losses.shape != present.shape:
            raise ShapeError(
                "`losses` and `present` must both be (task,). "
                f"Got {tuple(losses.shape)} and {tuple(present.shape)}"
            )
        known = torch.where(present, losses.detach(), 1.0)
        return torch.where(present, self.solve(known, present), 0.0)

    @abstractmethod
    def solve(
        self, losses: Float[Tensor, " task"], present: Bool[Tensor, " task"]
    ) -> Float[Tensor, " task"]:
        """The rule itself: any value where absent; absent losses are 1."""


class GramWeighting(Weighting):
    r"""A weighting that needs the inner products of the tasks' gradients.

    Entry (i, j) of the Gram matrix is :math:`g_i^\top g_j`, with the gradients of the losses of the
    tasks i and j with respect to what they share. The number of tasks is small and the rules are
    sequences of small steps, so they compute in float64 on the host, whatever the device.
    """

    @torch.no_grad()
    def weights(
        self,
        gram: Float[Tensor, "task task"],
        losses: Float[Tensor, " task"],
        present: Bool[Tensor, " task"],
    ) -> Float[Tensor, " task"]:
        """Weights for one step; what learns from the gradients learns now.

        A task whose gradient is 0 has nothing to balance: its weight is 1. If the Gram matrix is
        not finite, neither is the loss, and all weights are 1.

        Args:
            gram: Inner products of the tasks' gradients.
            losses: Loss of each task.
            present: True where the task has a label in the batch.

        Returns:
            One weight per task; 0 where absent.

        Raises:
            ShapeError: If the three do not fit each other.
        """
        n_tasks = len(losses)
        if gram.shape != (n_tasks, n_tasks) or present.shape != losses.shape:
            raise ShapeError(
                "`gram` must be (task, task), `losses` and `present` (task,). "
                f"Got {tuple(gram.shape)}, {tuple(losses.shape)} and {tuple(present.shape)}"
            )
        inner = gram.detach().double().cpu().numpy()
        here = present.cpu().numpy()
        found = here.astype(np.float64)
        places = np.flatnonzero(here & (inner.diagonal() > 0))
        inner = inner[np.ix_(places, places)]
        if len(places) and np.isfinite(inner).all():
            largest = inner.diagonal().max()
            values = losses.detach().double().cpu().numpy()[places]
            found[places] = self.solve((inner + inner.T) / (2 * largest), values, places)
        return torch.from_numpy(found).to(losses)

    @abstractmethod
    def solve(
        self,
        gram: Float[np.ndarray, "task task"],
        losses: Float[np.ndarray, " task"],
        places: Int[np.ndarray, " task"],
    ) -> Vector:
        """The rule itself, for the tasks that have a gradient.

        Args:
            gram: Symmetric, with a positive diagonal whose largest entry is 1.
            losses: Their losses.
            places: Which tasks they are.
        """


class Remembering(ABC):
    """A weighting that carries something from step to step, as named tensors.

    Training calls `start` before the first step; the tensors travel with checkpoints. All
    randomness comes from the seed.
    """

    _memory: dict[str, Tensor] | None = None

    def start(self, tasks: TaskSet, seed: int) -> None:
        """Get ready for a training; forget what an earlier one showed.

        Args:
            tasks: The tasks.
            seed: Random seed of what the weighting draws.
        """
        self._memory = self.initial(tasks, seed)

    def state_tensors(self) -> dict[str, Tensor]:
        """The tensors that it needs to go on."""
        return dict(self.memory)

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave."""
        self._memory = {name: tensor.clone() for name, tensor in state.items()}

    @abstractmethod
    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """The tensors before the first step."""

    @property
    def memory(self) -> dict[str, Tensor]:
        """The tensors as they stand.

        Raises:
            InputError: If `start` was not called.
        """
        if self._memory is None:
            raise InputError(f"{type(self).__name__} must be started: call start(tasks, seed)")
        return self._memory

    def recall(self, like: Tensor) -> dict[str, Tensor]:
        """The tensors, taken for good to where the losses are, in their precision."""
        memory = self.memory
        first = next(iter(memory.values()))
        if first.device != like.device or first.dtype != like.dtype:
            memory.update({name: tensor.to(like) for name, tensor in memory.items()})
        return memory


class Periodic(ABC):
    """A weighting that wants to know when an epoch ends."""

    @abstractmethod
    def end_epoch(self) -> None:
        """Take in that an epoch is over."""
