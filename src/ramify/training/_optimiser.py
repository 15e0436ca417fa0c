"""The optimiser of a network, and leaving alone what a batch says nothing about."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from ramify.networks import BranchedNetwork


def build_optimiser(network: nn.Module, learning_rate: float, weight_decay: float) -> Optimizer:
    """AdamW in which only weight matrices decay: biases and norms keep their size.

    Args:
        network: The network.
        learning_rate: Step size.
        weight_decay: Decoupled decay.
    """
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    norms = _norm_parameters(network)
    for name, parameter in network.named_parameters():
        plain = name.endswith("bias") or id(parameter) in norms
        (kept if plain else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    return AdamW([group for group in groups if group["params"]], lr=learning_rate, fused=True)


def _norm_parameters(network: nn.Module) -> set[int]:
    """Identities of the parameters of normalisation layers, plain or stacked."""
    return {
        id(parameter)
        for module in network.modules()
        if "Norm" in type(module).__name__
        for parameter in module.parameters(recurse=False)
    }


class Untouched:
    """Keeps what serves only tasks without a label in the batch exactly as it was.

    A zero gradient is not enough: weight decay and momentum would still move the weights. So the
    rows are saved before the step and put back after it, together with their optimiser state.

    Args:
        network: The network.
        optimiser: Its optimiser.
    """

    def __init__(self, network: BranchedNetwork, optimiser: Optimizer) -> None:
        self._rows = network.owned_rows()
        self._optimiser = optimiser
        self._saved: list[tuple[Tensor, Tensor, Tensor]] = []

    @torch.no_grad()
    def save(self, present: Iterable[bool]) -> None:
        """Remember every row that may have to be put back.

        Args:
            present: For each task, whether it has a label in the batch.
        """
        device = self._rows[0].owners.device
        labelled = torch.tensor(list(present), device=device)
        self._saved = []
        for tensor, owners in self._rows:
            served = (owners & labelled).any(dim=1)
            for part in (tensor, *self._state_of(tensor)):
                shape = (-1,) + (1,) * (part.ndim - 1)
                self._saved.append((part, part.clone(), served.view(shape)))

    @torch.no_grad()
    def restore(self) -> None:
        """Put back the rows that the batch says nothing about."""
        for part, before, served in self._saved:
            part.copy_(torch.where(served, part, before))
        self._saved = []

    def _state_of(self, tensor: Tensor) -> list[Tensor]:
        state = self._optimiser.state.get(tensor, {})
        return [value for value in state.values() if value.shape == tensor.shape]
