"""Loss, error margin and prediction of each kind of task, for all tasks of the kind at once."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ramify.losses._kind_loss import KindLoss, RowLoss
from ramify.losses._ordinal import OrdinalLoss
from ramify.losses._ranking import RankingLoss
from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Ranking, Regression, Task


class BinaryLoss(RowLoss):
    """Cross-entropy of a logit; the margin is |t − s| of the probability s and t in {0, 1}."""

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> "BinaryLoss":
        """Build it for tasks of the kind."""
        return cls()

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each sample for each task."""
        return functional.binary_cross_entropy_with_logits(
            outputs.squeeze(-1), targets, reduction="none"
        )

    def margin(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Error margin of each sample for each task, in [0, 1]."""
        # Soft targets are cut at one half first, as in the paper's code.
        logits = outputs.squeeze(-1)
        # Of many tasks, signs from bytes are found several times faster than logits are chosen.
        positive = (targets >= 0.5).view(torch.uint8).to(logits.dtype)
        return (1 - 2 * positive).mul_(logits).sigmoid_()

    def prediction(self, outputs: Tensor) -> Tensor:
        """Probability of the second class."""
        return torch.sigmoid(outputs)


class MulticlassLoss(RowLoss):
    """Cross-entropy over classes; the margin is 1 − the probability of the true class.

    Tasks with fewer classes than the widest are padded with outputs of no probability.
    """

    def __init__(self, n_classes: Sequence[int]) -> None:
        super().__init__()
        counts = torch.tensor(list(n_classes))
        padding = torch.arange(int(counts.max()))[None, :] >= counts[:, None]
        self.register_buffer("padding", padding, persistent=False)

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> "MulticlassLoss":
        """Build it for tasks of the kind."""
        return cls([task.kind.n_outputs for task in tasks])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each sample for each task."""
        return -self._log_probability_of(outputs, targets)

    def margin(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Error margin of each sample for each task, in [0, 1]."""
        return -torch.expm1(self._log_probability_of(outputs, targets))

    def prediction(self, outputs: Tensor) -> Tensor:
        """Probability of each class."""
        return self._log_probabilities(outputs).exp()

    def _log_probabilities(self, outputs: Tensor) -> Tensor:
        padding = self.get_buffer("padding")
        # A large negative number instead of −∞: gradients of the padded outputs stay exactly 0.
        return functional.log_softmax(outputs.masked_fill(padding, -1e30), dim=-1)

    def _log_probability_of(self, outputs: Tensor, targets: Tensor) -> Tensor:
        index = targets.long().unsqueeze(-1)
        return self._log_probabilities(outputs).gather(-1, index).squeeze(-1)


class RegressionLoss(RowLoss):
    """Half the squared error of the standardised target; the margin is its absolute error.

    Targets are centred and scaled, and predictions put back, in float64: a target such as
    1.7e9 + x would lose x in float32.

    A task whose training labels are all the same is predicted as that label: its spread is unknown,
    and whatever the features say would be noise.
    """

    in_own_unit: ClassVar[bool] = True

    def __init__(
        self,
        location: Sequence[float],
        scale: Sequence[float],
        varies: Sequence[bool] | None = None,
    ) -> None:
        super().__init__()
        double = torch.float64
        every = [True] * len(scale) if varies is None else varies
        spread = [float(s) if known else 0.0 for s, known in zip(scale, every, strict=True)]
        self.register_buffer("location", torch.tensor(location, dtype=double), persistent=False)
        self.register_buffer("scale", torch.tensor(scale, dtype=double), persistent=False)
        self.register_buffer("spread", torch.tensor(spread, dtype=double), persistent=False)

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> "RegressionLoss":
        """Build it for tasks of the kind."""
        kinds = [task.kind for task in tasks if isinstance(task.kind, Regression)]
        varies = [task.varies for task in tasks]
        return cls([kind.location for kind in kinds], [kind.scale for kind in kinds], varies)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each sample for each task."""
        return self._error(outputs, targets).square() / 2

    def margin(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Error margin of each sample for each task, in standard deviations of the target."""
        return self._error(outputs, targets).abs()

    def prediction(self, outputs: Tensor) -> Tensor:
        """Values in the target's own unit, in float64."""
        location, spread = self.get_buffer("location"), self.get_buffer("spread")
        return outputs * spread[:, None] + location[:, None]

    def _error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        location, scale = self.get_buffer("location"), self.get_buffer("scale")
        return outputs.squeeze(-1) - ((targets - location) / scale).to(outputs.dtype)


KIND_LOSSES: dict[type[Kind], type[KindLoss]] = {
    Binary: BinaryLoss,
    Multiclass: MulticlassLoss,
    Ordinal: OrdinalLoss,
    Ranking: RankingLoss,
    Regression: RegressionLoss,
}
