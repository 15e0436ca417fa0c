"""Soft sharing: one network per task, held near each other."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import InputError, checked, listed
from ramify.networks import Backbone, BranchedNetwork, TaskNetwork
from ramify.penalties import complete_graph, pull, pulled
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
class Soft(Sharing, Coupling):
    r"""One network per task, all from the same start; each is pulled towards the others.

    Added to the losses is a distance of the weights of all stages (not of the heads):

    .. math:: \frac{\alpha}{2n} \sum_t \|\theta_t - \bar\theta\|^2
        \quad\text{or}\quad \frac{\alpha}{2n} \sum_{s<t} g_{st} \|\theta_s - \theta_t\|^2

    to the mean, or along the edges of a task graph, with the number *n* of training labels that a
    task has on average: like any prior, it counts less, the more labels speak. It acts as a proximal step after each step of
    the optimiser, as weight decay does: inside the loss, Adam would take its strength away. With
    α = 0 the networks are separate; with an infinite α they stay equal.

    Attributes:
        alpha: Strength in labels, 0 or more, or infinite. The learning rate times α / n is what
            is pulled per step.
        edges: Pairs of tasks, each with a weight; None for the mean.
        stages: Which stages are pulled, from 0 at the input; None for all.

    Raises:
        InputError: If α or a weight is negative, or an edge joins a task with itself.

    References:
        Duong, Cohn, Bird, Cook. *Low Resource Dependency Parsing: Cross-lingual Parameter Sharing
        in a Neural Network Parser*, ACL 2015.

    Example:
        >>> Soft(alpha=300.0).name
        'soft'
    """

    name = "soft"
    label = "separate networks, pulled towards each other"

    alpha: float = 30000.0
    edges: tuple[tuple[str, str, float], ...] | None = None
    stages: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Check the strength and the edges."""
        check_strength(self.alpha)
        for one, two, weight in self.edges or ():
            if one == two or not weight >= 0:
                raise InputError(
                    "`edges` must join two different tasks with a weight of 0 or more. "
                    f"Got {(one, two, weight)}"
                )

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The separate networks.

        Raises:
            InputError: If an edge or a stage does not exist, or a layer has no stacked form.
        """
        network = separate(backbone, tasks, n_features)
        self._graph(tasks)
        stacked_parameters(network, self.stages)
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
        """Pull the networks together."""
        if self.alpha == 0 or len(network.tasks) == 1:
            return
        by = pull(self._graph(network.tasks), rate * self.alpha / n_labels)
        for parameter in stacked_parameters(network, self.stages):
            parameter.copy_(pulled(parameter, by.to(parameter)))

    def coupling_tensors(self) -> dict[str, Tensor]:
        """None."""
        return {}

    def load_coupling_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to take over."""

    def _graph(self, tasks: TaskSet) -> Tensor:
        if self.edges is None:
            return complete_graph(len(tasks), 1 / len(tasks))
        place = {name: i for i, name in enumerate(tasks.names)}
        unknown = [name for edge in self.edges for name in edge[:2] if name not in place]
        if unknown:
            raise InputError(f"`edges` must join tasks. Got unknown ones: {listed(unknown)}")
        graph = torch.zeros(len(tasks), len(tasks))
        for one, two, weight in self.edges:
            graph[place[one], place[two]] = graph[place[two], place[one]] = weight
        return graph
