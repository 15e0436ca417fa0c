"""Levels that rise: proportional odds."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ramify.losses._kind_loss import RowLoss
from ramify.tasks import THRESHOLD_PACE, Task


class OrdinalLoss(RowLoss):
    r"""Negative logarithm of the probability of the true level; the margin is 1 − it.

    With the logits :math:`\eta_k` of reaching level *k*, see `ramify.tasks.Ordinal`, and the
    outputs :math:`o_k` that hold them apart,

    .. math:: \log P(y = k) = \log\sigma(\eta_k) + \log\sigma(-\eta_{k+1}) + \log\sigma(20\,o_k)

    where the lowest level has the middle term only, and the highest the first. No difference of
    probabilities is taken, so nothing is lost to rounding, however sure the network is.

    Tasks with fewer levels than the most repeat their last output, which nothing reads.
    """

    def __init__(self, n_levels: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("highest", torch.tensor(list(n_levels)) - 1, persistent=False)

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> "OrdinalLoss":
        """Build it for tasks of the kind."""
        return cls([task.kind.n_outputs + 1 for task in tasks])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each sample for each task."""
        return -self._log_probability_of(outputs, targets)

    def margin(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Error margin of each sample for each task, in [0, 1]."""
        return -torch.expm1(self._log_probability_of(outputs, targets))

    def prediction(self, outputs: Tensor) -> Tensor:
        """Probability of each level but the lowest, or a higher one."""
        return torch.sigmoid(logits_of_reaching(outputs))

    def _log_probability_of(self, outputs: Tensor, targets: Tensor) -> Tensor:
        logits, level = logits_of_reaching(outputs), targets.long()
        last = outputs.shape[-1] - 1
        reached = _log_sigmoid_at(logits, level - 1)
        not_above = _log_sigmoid_at(-logits, level.clamp(max=last))
        apart = _log_sigmoid_at(THRESHOLD_PACE * outputs, level.clamp(max=last))
        is_lowest, is_highest = level == 0, level == self.get_buffer("highest")
        inner = apart.masked_fill(is_lowest | is_highest, 0.0)
        return reached.masked_fill(is_lowest, 0.0) + not_above.masked_fill(is_highest, 0.0) + inner


def logits_of_reaching(
    outputs: Float[Tensor, "unit task output"],
) -> Float[Tensor, "unit task output"]:
    """Logit of the probability of each level but the lowest, or a higher one; falls with it."""
    score, gaps = outputs[..., :1], functional.softplus(THRESHOLD_PACE * outputs[..., 1:])
    return torch.cat([score, score - gaps.cumsum(-1)], dim=-1)


def _log_sigmoid_at(values: Tensor, place: Tensor) -> Tensor:
    chosen = values.gather(-1, place.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return functional.logsigmoid(chosen)
