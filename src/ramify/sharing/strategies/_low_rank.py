"""Soft sharing by a trace norm: the stacked weights of all tasks have a low rank."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isinf, sqrt
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import InputError, checked, listed, quoted
from ramify.networks import Backbone, BranchedNetwork, TaskNetwork
from ramify.penalties import SPLITS, trace_norm_shrunk
from ramify.sharing._protocols import Coupling
from ramify.sharing._strategy import Sharing
from ramify.sharing.strategies._separate_networks import (
    check_strength,
    separate,
    stacked_parameters,
)
from ramify.tasks import TaskSet


@checked
@dataclass(frozen=True)
class TraceNorm(Sharing, Coupling):
    r"""One network per task; the weights of each layer, stacked over tasks, have few directions.

    Added to the losses is :math:`\frac{\alpha}{n} \sqrt{D} \sum_k \|W_{(k)}\|_*` for every weight
    of every chosen stage, with the number *D* of one task's weights there, so that one α fits
    layers of any size, and the number *n* of training labels that a task has on average, so that
    it fits data of any size; the paper has neither factor. It acts as a proximal step after each step of the
    optimiser: small singular values become exactly 0. It moves the networks of tasks without a
    label in the batch, too.

    Attributes:
        alpha: Strength in labels, 0 or more. The learning rate times α √D / n is the step.
        form: How weights are unfolded into matrices: ``last-axis``, ``tucker`` or ``tt``; see
            `ramify.penalties.SPLITS`.
        stages: Which stages, from 0 at the input; None for all.

    Raises:
        InputError: If α is negative or infinite, or the form is unknown.

    References:
        Yang, Hospedales. *Trace Norm Regularised Deep Multi-Task Learning*, arXiv 1606.04038.

    Example:
        >>> TraceNorm(form="tt").settings()["form"]
        'tt'
    """

    name = "trace-norm"
    label = "separate networks whose stacked weights have a low rank"

    forms: ClassVar = {
        "": {"form": "last-axis"},
        "tucker": {"form": "tucker"},
        "tt": {"form": "tt"},
    }

    alpha: float = 30.0
    form: str = "last-axis"
    stages: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Check the strength and the form."""
        check_strength(self.alpha)
        if isinf(self.alpha):
            raise InputError("`alpha` must be finite. Got inf; then all weights would be 0")
        if self.form not in SPLITS:
            raise InputError(f"`form` must be one of {listed(SPLITS)}. Got {quoted(self.form)}")

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The separate networks.

        Raises:
            InputError: If a stage does not exist, or a layer has no stacked form.
        """
        network = separate(backbone, tasks, n_features)
        stacked_parameters(network, self.stages)
        return network

    @property
    def ties(self) -> bool:
        """Weights of different epochs would not have a low rank together."""
        return self.alpha > 0

    def penalty(
        self, network: TaskNetwork, n_labels: float, loss: Float[Tensor, ""]
    ) -> Float[Tensor, ""] | None:
        """Nothing: it acts after the step."""
        return None

    @torch.no_grad()
    def after_step(self, network: TaskNetwork, rate: float, n_labels: float) -> None:
        """Shrink the singular values of every stacked weight."""
        if self.alpha == 0:
            return
        for parameter in stacked_parameters(network, self.stages):
            if parameter.ndim > 2:  # not of biases and norms
                step = rate * self.alpha / n_labels * sqrt(parameter[0].numel())
                parameter.copy_(trace_norm_shrunk(parameter, step, SPLITS[self.form]))

    def coupling_tensors(self) -> dict[str, Tensor]:
        """None."""
        return {}

    def load_coupling_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to take over."""
