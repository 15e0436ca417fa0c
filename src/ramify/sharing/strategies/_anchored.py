"""Soft sharing with a network that stays: every task's network is held near it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import checked
from ramify.networks import Backbone, BranchedNetwork, TaskNetwork
from ramify.penalties import anchor_pulled
from ramify.sharing._protocols import Coupling
from ramify.sharing._strategy import Sharing
from ramify.sharing.strategies._separate_networks import (
    check_strength,
    separate,
    stacked_parameters,
)
from ramify.tasks import TaskSet


@checked
@dataclass(eq=False)
class Anchored(Sharing, Coupling):
    r"""One network per task, each pulled towards one given network that stays as it is.

    .. math:: \frac{\alpha}{2n} \sum_t \|\theta_t - \theta_0\|^2

    as a proximal step, with *n* training labels of a task on average, see `Soft`. The anchor is
    where the networks start: a backbone that was trained before.

    Attributes:
        alpha: Strength in labels, 0 or more, or infinite.
        stages: Which stages are pulled, from 0 at the input; None for all.

    Raises:
        InputError: If α is negative.

    References:
        Duong, Cohn, Bird, Cook, ACL 2015, whose anchor is the parser of another language.
    """

    name = "anchored"
    label = "separate networks, held near one that was trained before"

    needs_start = True

    alpha: float = 30000.0
    stages: tuple[int, ...] | None = field(default=None, kw_only=True)
    _anchor: list[Tensor] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the strength."""
        check_strength(self.alpha)

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The separate networks, all at the anchor.

        Raises:
            InputError: If a stage does not exist, or a layer has no stacked form.
        """
        network = separate(backbone, tasks, n_features)
        every = stacked_parameters(network, self.stages)
        self._anchor = [parameter[0].detach().clone() for parameter in every]
        return network

    @property
    def ties(self) -> bool:
        """Each network can be used alone."""
        return False

    def penalty(
        self, network: TaskNetwork, n_labels: float, loss: Float[Tensor, ""]
    ) -> Float[Tensor, ""] | None:
        """Nothing: it acts after the step."""
        return None

    @torch.no_grad()
    def after_step(self, network: TaskNetwork, rate: float, n_labels: float) -> None:
        """Pull every network towards the anchor."""
        if self.alpha == 0:
            return
        every = stacked_parameters(network, self.stages)
        for parameter, anchor in zip(every, self._anchor, strict=True):
            parameter.copy_(
                anchor_pulled(parameter, anchor.to(parameter), rate * self.alpha / n_labels)
            )

    def coupling_tensors(self) -> dict[str, Tensor]:
        """The anchor."""
        return {str(i): anchor for i, anchor in enumerate(self._anchor)}

    def load_coupling_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over the anchor."""
        self._anchor = [state[str(i)] for i in range(len(state))]
