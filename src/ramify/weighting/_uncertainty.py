"""Weights from the noise of each task, learned with the network."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import InputError, check_number, checked
from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Ranking, Regression, TaskSet
from ramify.weighting._base import LossWeighting, Remembering

_LARGEST = 10.0


@checked
@dataclass(frozen=True)
class NoiseModel:
    r"""How a task's noise enters its loss: :math:`a\,e^{-s} \ell + b\,s`, least at log(aℓ/b).

    Attributes:
        factor: a.
        penalty: b.
    """

    factor: float
    penalty: float

    def optimum(self, losses: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The log-variance that is best for a constant loss."""
        return (self.factor / self.penalty * losses).log()


# s is the logarithm of σ², for Laplace noise that of the width b. Half the squared error is what
# `ramify.losses` computes for a regression; SQUARED_ERROR is for losses of the reader's own.
SQUARED_ERROR = NoiseModel(0.5, 0.5)
HALF_SQUARED_ERROR = NoiseModel(1.0, 0.5)
ABSOLUTE_ERROR = NoiseModel(1.0, 1.0)
CROSS_ENTROPY = NoiseModel(1.0, 0.5)

NOISE_MODELS: dict[type[Kind], NoiseModel] = {
    Binary: CROSS_ENTROPY,
    Multiclass: CROSS_ENTROPY,
    Ordinal: CROSS_ENTROPY,
    Ranking: CROSS_ENTROPY,
    Regression: HALF_SQUARED_ERROR,
}


def uncertainty_objective(
    losses: Float[Tensor, " task"],
    log_variances: Float[Tensor, " task"],
    factors: Float[Tensor, " task"],
    penalties: Float[Tensor, " task"],
) -> Float[Tensor, " task"]:
    r"""Each task's loss under its noise, :math:`a\,e^{-s} \ell + b\,s`; it may be negative.

    The form for cross-entropy takes :math:`\tfrac1\sigma \sum_c e^{f_c/\sigma^2} \approx (\sum_c
    e^{f_c})^{1/\sigma^2}`, exact at σ = 1.

    Args:
        losses: ℓ.
        log_variances: s.
        factors: a of each task's `NoiseModel`.
        penalties: b.

    References:
        Kendall, Gal, Cipolla. *Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
        Geometry and Semantics*, CVPR 2018, eqs. (5), (7) and (10).
    """
    return factors * torch.exp(-log_variances) * losses + penalties * log_variances


@checked
class Uncertainty(LossWeighting, Remembering):
    r"""Weighs a task by how noisy its labels are: :math:`a\,e^{-s}`, with *s* learned.

    Which form a task gets depends on its kind (`NOISE_MODELS`). The log-variances start at 0, step
    down the gradient of `uncertainty_objective` without decay, and stay within ±10. A task without
    a label in the batch skips its term, and keeps its log-variance.

    Difference from the paper: the log-variances have a step size of their own, and entries of their
    gradient beyond ±1 count as ±1. The gradient grows with the loss without bound, and an optimiser
    that remembers its size would learn slowly long after.

    The noise is told by what remains of the loss. A network that learns noisy labels by heart has
    nothing left, takes them for exact, and gains nothing by the weights.

    Args:
        learning_rate: Step size of the log-variances, and the longest step. Positive.
        noise_models: One per task, for losses of another form; by default from the tasks' kinds.

    Raises:
        InputError: If the step size is not positive.

    References:
        Kendall, Gal, Cipolla. *Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
        Geometry and Semantics*, CVPR 2018.

    Example:
        >>> import torch
        >>> from ramify.tasks import Task
        >>> tasks = TaskSet([Task("exact", Regression()), Task("noisy", Regression())])
        >>> weighting = Uncertainty(learning_rate=0.1)
        >>> weighting.start(tasks, seed=0)
        >>> for _ in range(300):
        ...     weights = weighting.weights(torch.tensor([0.5, 8.0]), torch.tensor([True, True]))
        >>> print([round(float(w), 2) for w in weights])  # 1 / (2ℓ)
        [1.0, 0.06]
    """

    name = "uncertainty"
    label = "by the noise of each task, learned"

    def __init__(
        self, learning_rate: float = 0.1, *, noise_models: tuple[NoiseModel, ...] | None = None
    ) -> None:
        self.learning_rate = check_number("learning_rate", learning_rate, open_end=True)
        self.noise_models = noise_models

    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """Log-variances of 0, and the form of each task's term."""
        models = self.noise_models or tuple(NOISE_MODELS[type(task.kind)] for task in tasks)
        if len(models) != len(tasks):
            requirement = f"must have one entry per task, {len(tasks)}"
            raise InputError(requirement, argument="noise_models", got=str(len(models)))
        return {
            "log_variances": torch.zeros(len(tasks)),
            "factors": torch.tensor([model.factor for model in models]),
            "penalties": torch.tensor([model.penalty for model in models]),
        }

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """The weights of now; then a step of the log-variances, as of any other parameter."""
        memory = self.recall(losses)
        variances = memory["log_variances"]
        weights = memory["factors"] * torch.exp(-variances)
        gradient = (memory["penalties"] - weights * losses).clamp(-1, 1)
        stepped = variances - self.learning_rate * torch.where(present, gradient, 0.0)
        memory["log_variances"] = stepped.clamp(-_LARGEST, _LARGEST)
        return weights
