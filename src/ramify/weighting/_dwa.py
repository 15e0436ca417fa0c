"""Weights from how fast each loss fell from epoch to epoch."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify._core import check_number, checked
from ramify.tasks import TaskSet
from ramify.weighting._base import LossWeighting, Periodic, Remembering
from ramify.weighting._present_tasks import share_among, spread_over

_TINY = 1e-12


def dwa_weights(
    newer: Float[Tensor, " task"],
    older: Float[Tensor, " task"],
    present: Bool[Tensor, " task"],
    temperature: float,
) -> Float[Tensor, " task"]:
    r"""Softmax of the ratio of two epochs' losses, :math:`n\,\mathrm{softmax}(r / \tau)`.

    Args:
        newer: Mean loss of each task in the last epoch; NaN where it had no label.
        older: The same of the epoch before.
        present: Which tasks get a weight.
        temperature: τ; a larger one makes the weights more alike.

    Returns:
        Weights of mean 1 over the present tasks. A task without a known ratio counts as one whose
        loss stayed the same.

    References:
        Liu, Johns, Davison. *End-to-End Multi-Task Learning with Attention*, CVPR 2019, eq. (7).
    """
    ratio = newer / older.clamp(min=_TINY)
    ratio = torch.where(ratio.isfinite(), ratio, 1.0)
    return spread_over(share_among(ratio / temperature, present), present)


@checked
class DWA(LossWeighting, Remembering, Periodic):
    """Dynamic weight average: a task whose loss falls more slowly gets more weight.

    Until two epochs are over all weights are 1.

    Args:
        temperature: Larger makes the weights more alike. Positive.

    Raises:
        InputError: If the temperature is not positive.

    References:
        Liu, Johns, Davison. *End-to-End Multi-Task Learning with Attention*, CVPR 2019.
    """

    name = "dwa"
    label = "by how fast a loss falls"

    def __init__(self, temperature: float = 2.0) -> None:
        self.temperature = check_number("temperature", temperature, open_end=True)

    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """No loss seen yet."""
        none, unknown = torch.zeros(len(tasks)), torch.full((len(tasks),), float("nan"))
        return {"sums": none, "counts": none.clone(), "newer": unknown, "older": unknown.clone()}

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """Weights from the last two epochs; the losses go into this one."""
        memory = self.recall(losses)
        memory["sums"] = memory["sums"] + torch.where(present, losses, 0.0)
        memory["counts"] = memory["counts"] + present
        return dwa_weights(memory["newer"], memory["older"], present, self.temperature)

    def end_epoch(self) -> None:
        """The epoch's mean losses become the newer ones."""
        memory = self.memory
        memory["older"] = memory["newer"]
        memory["newer"] = memory["sums"] / memory["counts"]  # 0/0 is NaN: not known
        memory["sums"] = torch.zeros_like(memory["sums"])
        memory["counts"] = torch.zeros_like(memory["counts"])
