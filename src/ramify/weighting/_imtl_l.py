"""Weights that bring all losses to one size, learned with the network."""

import torch
from torch import Tensor

from ramify._core import check_number, checked
from ramify.tasks import TaskSet
from ramify.weighting._base import LossWeighting, Remembering

_LARGEST = 10.0


@checked
class IMTLL(LossWeighting, Remembering):
    r"""Impartial multi-task learning, loss part: :math:`e^s`, with the *s* learned that scales to 1.

    The scales start at 0 and step down the gradient of :math:`\sum_t (e^{s_t} \ell_t - s_t)`, which
    is least where all scaled losses are 1, without decay, and stay within ±10. A task without a
    label in the batch keeps its scale.

    Difference from the paper: the scales have a step size of their own, and entries of their
    gradient beyond ±1 count as ±1, as for `Uncertainty`.

    Args:
        learning_rate: Step size of the scales, and the longest step. Positive.

    Raises:
        InputError: If the step size is not positive.

    References:
        Liu et al. *Towards Impartial Multi-task Learning*, ICLR 2021, eq. (9).

    Example:
        >>> import torch
        >>> from ramify.tasks import Regression, Task
        >>> weighting = IMTLL()
        >>> weighting.start(TaskSet([Task("a", Regression()), Task("b", Regression())]), seed=0)
        >>> for _ in range(300):
        ...     weights = weighting.weights(torch.tensor([0.5, 8.0]), torch.tensor([True, True]))
        >>> print([round(float(w), 3) for w in weights])  # 1 / ℓ
        [2.0, 0.125]
    """

    name = "imtl-l"
    label = "losses of one size, learned"

    def __init__(self, learning_rate: float = 0.1) -> None:
        self.learning_rate = check_number("learning_rate", learning_rate, open_end=True)

    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """Scales of 0."""
        return {"log_scales": torch.zeros(len(tasks))}

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """The weights of now; then a step of the scales, as of any other parameter."""
        memory = self.recall(losses)
        scales = memory["log_scales"]
        weights = torch.exp(scales)
        gradient = (weights * losses - 1).clamp(-1, 1)
        stepped = scales - self.learning_rate * torch.where(present, gradient, 0.0)
        memory["log_scales"] = stepped.clamp(-_LARGEST, _LARGEST)
        return weights
