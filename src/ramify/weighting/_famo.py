"""Weights that let all losses fall at the same rate."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify._core import check_number, checked
from ramify.tasks import TaskSet
from ramify.weighting._base import LossWeighting, Remembering
from ramify.weighting._present_tasks import adam_start, adam_step, share_among, spread_over

_TINY = 1e-8


def famo_weights(
    logits: Float[Tensor, " task"],
    losses: Float[Tensor, " task"],
    present: Bool[Tensor, " task"],
) -> Float[Tensor, " task"]:
    r"""Weights of mean 1 in proportion to :math:`z_t / \ell_t` with :math:`z = \mathrm{softmax}(w)`.

    Args:
        logits: w.
        losses: ℓ, positive.
        present: Which of the tasks take part.

    References:
        Liu, Feng, Stone, Liu. *FAMO: Fast Adaptive Multitask Optimization*, NeurIPS 2023,
        algorithm 1.
    """
    # In proportion to exp(w) / ℓ: a softmax too, which needs no sum of its own.
    return spread_over(share_among(logits - (losses + _TINY).log(), present), present)


def famo_gradient(
    logits: Float[Tensor, " task"],
    before: Float[Tensor, " task"],
    after: Float[Tensor, " task"],
    known: Bool[Tensor, " task"],
) -> Float[Tensor, " task"]:
    r"""Gradient of the logits: :math:`J^\top \delta`, the softmax' Jacobian times the log-decrease.

    Args:
        logits: w.
        before: Losses before a step.
        after: Losses after it.
        known: Which tasks have both.
    """
    shares = share_among(logits, known)
    decrease = torch.where(known, ((before + _TINY) / (after + _TINY)).log(), 0.0)
    return shares * (decrease - shares.dot(decrease))


@checked
class FAMO(LossWeighting, Remembering):
    """Fast adaptive multitask optimisation: losses only, no gradient of single tasks.

    Difference from the paper's code: the losses after a step are those of the next batch that has
    labels of the task, not of the same batch again, which would need a second forward pass. The
    differences add up to the same over many steps.

    Args:
        learning_rate: Step size of the logits. Positive.
        decay: How strongly the logits are pulled to 0. 0 or more.

    Raises:
        InputError: If an argument is out of range.

    References:
        Liu, Feng, Stone, Liu. *FAMO: Fast Adaptive Multitask Optimization*, NeurIPS 2023.
    """

    name = "famo"
    label = "equal rates of progress"

    def __init__(self, learning_rate: float = 0.025, decay: float = 1e-3) -> None:
        self.learning_rate = check_number("learning_rate", learning_rate, open_end=True)
        self.decay = check_number("decay", decay)

    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """Logits of 0, and no loss seen yet."""
        unknown = torch.full((len(tasks),), float("nan"))
        return {"logits": torch.zeros(len(tasks)), "last": unknown, **adam_start(len(tasks))}

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """Learn from what the last step did; then the weights for this one."""
        memory = self.recall(losses)
        logits, last = memory["logits"], memory["last"]
        known = present & ~last.isnan()
        gradient = famo_gradient(logits, last, losses, known) + self.decay * logits
        logits = adam_step(memory, logits, gradient, known, self.learning_rate)
        memory["logits"], memory["last"] = logits, torch.where(present, losses, last)
        return famo_weights(logits, losses, present)
