"""What training and prediction need to know of a kind of task."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from ramify.tasks import Task


class KindLoss(nn.Module, ABC):
    """What training and prediction need to know of one kind of task.

    All methods take every task of the kind at once: outputs ``(unit, task, output)`` and targets
    ``(unit, task)`` that hold a valid target, such as 0, where there is no label. A kind that
    judges each row by itself derives from `RowLoss`.

    Attributes:
        in_own_unit: Whether targets and predictions are numbers in a unit of their own, which are
            kept in float64 until they are centred. Other targets come in the outputs' precision.
    """

    in_own_unit: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def of(cls, tasks: Sequence[Task]) -> "KindLoss":
        """Build it for tasks of the kind."""

    @abstractmethod
    def sums(
        self,
        outputs: Float[Tensor, "unit task output"],
        targets: Float[Tensor, "unit task"],
        weights: Float[Tensor, "unit task"],
        pairs: Int64[Tensor, "2 pair"] | None,
    ) -> tuple[Float[Tensor, " task"], Float[Tensor, " task"]]:
        """Sum of each task's weighted losses, and the sum of their weights.

        Args:
            outputs: Of all rows.
            targets: Of all rows.
            weights: Of the labels, 0 where there is none.
            pairs: Rows that may be compared with each other; None for all with all.
        """

    @abstractmethod
    def margins(
        self,
        outputs: Float[Tensor, "unit task output"],
        targets: Float[Tensor, "unit task"],
        label_mask: Bool[Tensor, "unit task"],
        pairs: Int64[Tensor, "2 pair"] | None,
    ) -> tuple[Float[Tensor, "unit task"], Bool[Tensor, "unit task"]]:
        """Error margin of each sample for each task, 0 or more, and which samples have one."""

    @abstractmethod
    def prediction(
        self, outputs: Float[Tensor, "unit task output"]
    ) -> Float[Tensor, "unit task output"]:
        """Probabilities, or values in the target's own unit."""


class RowLoss(KindLoss):
    """A kind whose loss and margin of a row depend on that row only."""

    @abstractmethod
    def loss(
        self, outputs: Float[Tensor, "unit task output"], targets: Float[Tensor, "unit task"]
    ) -> Float[Tensor, "unit task"]:
        """Loss of each sample for each task."""

    @abstractmethod
    def margin(
        self, outputs: Float[Tensor, "unit task output"], targets: Float[Tensor, "unit task"]
    ) -> Float[Tensor, "unit task"]:
        """Error margin of each sample for each task, 0 or more."""

    def sums(
        self, outputs: Tensor, targets: Tensor, weights: Tensor, pairs: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Sum of each task's weighted losses, and the sum of their weights."""
        return (self.loss(outputs, targets) * weights).sum(0), weights.sum(0)

    def margins(
        self, outputs: Tensor, targets: Tensor, label_mask: Tensor, pairs: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Error margin of each sample for each task, and which samples have a label."""
        return self.margin(outputs, targets), label_mask
