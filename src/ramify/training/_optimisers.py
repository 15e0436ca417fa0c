"""How weights move along their gradients."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn, optim
from torch.optim import Optimizer

from ramify._core import InputError, checked
from ramify.networks import BranchedNetwork, ParameterRule, TaskNetwork
from ramify.records import Setting
from ramify.sharing import Proposal


class Optimiser(ABC):
    """A rule by which weights move; see `AdamW` and `SGD`.

    Each group of parameters of what it builds has a ``rate``, the factor of the learning rate.
    """

    @abstractmethod
    def build(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> optim.Optimizer:
        """The optimiser of a network that is already where it will be trained.

        Args:
            network: The network.
            learning_rate: Step size.
            weight_decay: Strength of the decay of weight matrices; biases and norms do not decay.
        """

    @abstractmethod
    def settings(self) -> dict[str, Setting]:
        """Its name and settings, for the record."""


@checked
@dataclass(frozen=True)
class AdamW(Optimiser):
    """Adam with decoupled decay: at each step weights shrink by decay × learning rate.

    References:
        Loshchilov, Hutter. *Decoupled Weight Decay Regularization*, ICLR 2019.
    """

    def build(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> optim.Optimizer:
        """The optimiser of a network."""
        found = _parameters(network)
        groups = [
            _group(found.matrices, decay=weight_decay),
            _group(found.norms + found.biases),
            *_ruled(found.ruled, weight_decay),
        ]
        return optim.AdamW(_used(groups), lr=learning_rate, fused=True)

    def settings(self) -> dict[str, Setting]:
        """Its name."""
        return {"optimiser": "AdamW"}


@checked
@dataclass(frozen=True)
class SGD(Optimiser):
    """Stochastic gradient descent with momentum; the decay is a part of the gradient (L2).

    Attributes:
        momentum: Share of the step before that is added, in [0, 1).
        bias_rate: Factor of the learning rate of biases. Positive.

    Raises:
        InputError: If a number is out of range.
    """

    momentum: float = 0.9
    bias_rate: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 <= self.momentum < 1:
            raise InputError(f"`momentum` must be 0 or more and below 1. Got {self.momentum}")
        if not 0 < self.bias_rate < float("inf"):
            raise InputError(f"`bias_rate` must be finite and above 0. Got {self.bias_rate}")

    def build(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> optim.Optimizer:
        """The optimiser of a network."""
        found = _parameters(network)
        groups = [
            _group(found.matrices, decay=weight_decay),
            _group(found.norms),
            _group(found.biases, rate=self.bias_rate),
            *_ruled(found.ruled, weight_decay),
        ]
        optimiser = optim.SGD(_used(groups), lr=learning_rate, momentum=self.momentum, fused=True)
        if self.momentum:
            # PyTorch starts the average at the first gradient, with the decay in it. Then rows
            # that the first step must leave alone would have a momentum.
            for group in optimiser.param_groups:
                for parameter in group["params"]:
                    optimiser.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimiser

    def settings(self) -> dict[str, Setting]:
        """Its name and settings."""
        return {"optimiser": "SGD", "momentum": self.momentum, "bias_rate": self.bias_rate}


class _Parameters(NamedTuple):
    matrices: list[nn.Parameter]
    norms: list[nn.Parameter]
    biases: list[nn.Parameter]
    ruled: list[ParameterRule]


def _parameters(network: nn.Module) -> _Parameters:
    """Weight matrices and filters, scales of norms, all biases, and what has a rule of its own."""
    rules = network.parameter_rules() if isinstance(network, TaskNetwork) else []
    found = _Parameters([], [], [], rules)
    norms, ruled = _norm_parameters(network), {id(rule.parameter) for rule in rules}
    for name, parameter in network.named_parameters():
        if id(parameter) in ruled:
            continue
        if name.endswith("bias"):
            found.biases.append(parameter)
        elif id(parameter) in norms:
            found.norms.append(parameter)
        else:
            found.matrices.append(parameter)
    return found


def _norm_parameters(network: nn.Module) -> set[int]:
    """Identities of the parameters of normalisation layers, plain or stacked."""
    return {
        id(parameter)
        for module in network.modules()
        if "Norm" in type(module).__name__
        for parameter in module.parameters(recurse=False)
    }


def _group(
    parameters: list[nn.Parameter], *, decay: float = 0.0, rate: float = 1.0
) -> dict[str, Any]:
    return {"params": parameters, "weight_decay": decay, "rate": rate}


def _ruled(rules: list[ParameterRule], weight_decay: float) -> list[dict[str, Any]]:
    """One group for each way that rules name."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter, rate, decays in rules:
        groups.setdefault((rate, decays), []).append(parameter)
    return [
        _group(parameters, decay=weight_decay if decays else 0.0, rate=rate)
        for (rate, decays), parameters in groups.items()
    ]


def _used(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [group for group in groups if group["params"]]


@dataclass(frozen=True, eq=False)
class Carried:
    """The memory of a training, for the network that it goes on with.

    Attributes:
        moments: The optimiser's averages by name, one tensor per parameter of the network.
        count: Steps that the optimiser counted; None if it counts none.
        hooks: The states of the training's hooks, by name.
    """

    moments: Mapping[str, list[Tensor]]
    count: Tensor | None
    hooks: Mapping[str, Mapping[str, Tensor]]

    def give(self, optimiser: Optimizer, network: TaskNetwork) -> None:
        """Put the averages into the optimiser of the network that goes on.

        Args:
            optimiser: The optimiser; fresh.
            network: Its network.
        """
        for i, parameter in enumerate(network.parameters()):
            state = optimiser.state[parameter]
            state |= {name: every[i].clone() for name, every in self.moments.items()}
            if self.count is not None:
                state["step"] = self.count.clone()


@torch.no_grad()
def carried(
    network: BranchedNetwork,
    optimiser: Optimizer,
    proposal: Proposal,
    hooks: Mapping[str, Mapping[str, Tensor]],
) -> Carried:
    """What goes on when a network's tasks are regrouped: of each branch that is kept, its averages.

    They go the way of the weights: a copy of the network that holds them in the weights' place is
    regrouped too.

    Args:
        network: The network before.
        optimiser: Its optimiser.
        proposal: The groups, with their keepers.
        hooks: The states of the training's hooks, by name.
    """
    states = [optimiser.state.get(parameter, {}) for parameter in network.parameters()]
    names = {
        name
        for parameter, state in zip(network.parameters(), states, strict=True)
        for name, value in state.items()
        if value.shape == parameter.shape and name != "step"
    }
    stand_in = copy.deepcopy(network)
    moments = {}
    for name in sorted(names):
        for parameter, state in zip(stand_in.parameters(), states, strict=True):
            parameter.copy_(state[name]) if name in state else parameter.zero_()
        moved = stand_in.regrouped(proposal.tree, proposal.keepers)
        moments[name] = [parameter.detach() for parameter in moved.parameters()]
    counts = [state["step"] for state in states if "step" in state]
    return Carried(moments, counts[0] if counts else None, hooks)
