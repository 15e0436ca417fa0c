"""What a training that goes on with regrouped tasks takes along: the optimiser's averages above all."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from ramify.networks import BranchedNetwork, TaskNetwork
from ramify.sharing import Proposal


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
