"""Weights that keep the tasks' gradients at one length, longer where a task lags."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import check_number, checked
from ramify.tasks import TaskSet
from ramify.weighting._base import GramWeighting, Matrix, Places, Remembering, Vector
from ramify.weighting._present_tasks import adam_start, adam_step

_TINY, _SMALLEST = 1e-12, 1e-3


def grad_norm_gradient(
    weights: Float[np.ndarray, " task"],
    lengths: Float[np.ndarray, " task"],
    ratios: Float[np.ndarray, " task"],
    asymmetry: float,
) -> Vector:
    r"""Gradient of :math:`\sum_t |w_t \|g_t\| - \bar G r_t^\alpha|` with respect to the weights.

    The aim :math:`\bar G r_t^\alpha` counts as a constant.

    Args:
        weights: w.
        lengths: Of the gradients of the losses.
        ratios: Each task's loss over its first one.
        asymmetry: α; how much longer the gradient of a lagging task is to be.

    References:
        Chen, Badrinarayanan, Lee, Rabinovich. *GradNorm: Gradient Normalization for Adaptive Loss
        Balancing in Deep Multitask Networks*, ICML 2018, eqs. (1) and (2).
    """
    weighted = weights * lengths
    aims = weighted.mean() * (ratios / ratios.mean().clip(min=_TINY)) ** asymmetry
    gradient: Vector = lengths * np.sign(weighted - aims)
    return gradient


@checked
class GradNorm(GramWeighting, Remembering):
    """Gradient normalisation: learns weights that bring the gradients to one length.

    Of the Gram matrix it needs the diagonal only. The weights step by Adam, stay above 0.001, and
    keep their sum.

    Args:
        asymmetry: α; 0 aims at equal lengths, more lets lagging tasks have longer ones.
        learning_rate: Step size of the weights. Positive.

    Raises:
        InputError: If an argument is out of range.

    References:
        Chen, Badrinarayanan, Lee, Rabinovich. *GradNorm*, ICML 2018, algorithm 1.
    """

    name = "gradnorm"
    label = "gradients of one length, learned"

    def __init__(self, asymmetry: float = 1.5, learning_rate: float = 0.025) -> None:
        self.asymmetry = check_number("asymmetry", asymmetry)
        self.learning_rate = check_number("learning_rate", learning_rate, open_end=True)

    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """Weights of 1, and no first loss yet."""
        unknown = torch.full((len(tasks),), float("nan"), dtype=torch.float64)
        return {"values": torch.ones(len(tasks)).double(), "first": unknown} | {
            name: tensor.double() for name, tensor in adam_start(len(tasks)).items()
        }

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """The weights of now; then a step of them."""
        memory = self.recall(torch.zeros(0, dtype=torch.float64))
        values, first = memory["values"].numpy(), memory["first"].numpy().copy()
        first[places] = np.where(np.isnan(first[places]), losses, first[places])
        weights = values[places]
        ratios = losses / first[places].clip(min=_TINY)
        lengths = np.sqrt(gram.diagonal())
        slope = np.zeros_like(values)
        slope[places] = grad_norm_gradient(weights, lengths, ratios, self.asymmetry)
        here = np.isin(np.arange(len(values)), places)
        stepped = adam_step(
            memory,
            memory["values"],
            torch.from_numpy(slope),
            torch.from_numpy(here),
            self.learning_rate,
        ).clamp(min=_SMALLEST)
        stepped[places] *= weights.sum() / float(stepped[places].sum())
        memory["values"], memory["first"] = stepped, torch.from_numpy(first)
        return weights
