"""Rows in order: pairs of rows against each other."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from ramify.losses._kind_loss import KindLoss
from ramify.tasks import Task


class RankingLoss(KindLoss):
    r"""Logistic loss of pairs of rows of one group; the margin is how far pairs are from right.

    Over the pairs of labelled rows of one group with different labels,

    .. math:: \ell_{ij} = \log(1 + e^{-(s_i - s_j)}) \quad\text{where}\quad y_i > y_j

    and a task's loss is their mean: a group counts by its number of pairs. A row's margin is the
    mean of :math:`\sigma(s_j - s_i)` over its pairs, from the side of the row that ought to come
    first, so 1/2 is a guess; a row without a pair has none.

    References:
        Burges et al. *Learning to Rank using Gradient Descent*, ICML 2005, eq. (3).
    """

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> "RankingLoss":
        """Build it for tasks of the kind."""
        return cls()

    def sums(
        self,
        outputs: Float[Tensor, "unit task output"],
        targets: Float[Tensor, "unit task"],
        weights: Float[Tensor, "unit task"],
        pairs: Int64[Tensor, "2 pair"] | None,
    ) -> tuple[Float[Tensor, " task"], Float[Tensor, " task"]]:
        """Sum of the losses of each task's pairs, and their number; weights only tell labels."""
        found = _compared(outputs, targets, weights > 0, pairs)
        counts = found.counts.to(outputs.dtype)
        return (functional.softplus(-found.leads) * counts).sum(0), counts.sum(0)

    def margins(
        self,
        outputs: Float[Tensor, "unit task output"],
        targets: Float[Tensor, "unit task"],
        label_mask: Bool[Tensor, "unit task"],
        pairs: Int64[Tensor, "2 pair"] | None,
    ) -> tuple[Float[Tensor, "unit task"], Bool[Tensor, "unit task"]]:
        """Error margin of each sample for each task, in [0, 1], and which samples have a pair."""
        found = _compared(outputs, targets, label_mask, pairs)
        counts = found.counts.to(outputs.dtype)
        wrong, number = torch.zeros_like(targets), torch.zeros_like(targets)
        for rows in (found.first, found.second):
            wrong.index_add_(0, rows, torch.sigmoid(-found.leads) * counts)
            number.index_add_(0, rows, counts)
        return wrong / number.clamp(min=1), number > 0

    def prediction(self, outputs: Tensor) -> Tensor:
        """The scores: higher comes first."""
        return outputs


class _Compared(NamedTuple):
    """Pairs of rows: by how much the one that ought to come first leads, and which pairs count."""

    first: Int64[Tensor, " pair"]
    second: Int64[Tensor, " pair"]
    leads: Float[Tensor, "pair task"]
    counts: Bool[Tensor, "pair task"]


def _compared(
    outputs: Tensor, targets: Tensor, label_mask: Tensor, pairs: Tensor | None
) -> _Compared:
    scores = outputs.squeeze(-1)
    if pairs is None:
        pairs = torch.triu_indices(len(scores), len(scores), 1, device=scores.device)
    # Not scores[first]: its backward pass adds up in no fixed order.
    first, second = pairs[0], pairs[1]
    order = (targets.index_select(0, first) - targets.index_select(0, second)).sign()
    counts = label_mask.index_select(0, first) & label_mask.index_select(0, second) & (order != 0)
    leads = (scores.index_select(0, first) - scores.index_select(0, second)) * order
    return _Compared(first, second, leads, counts)
