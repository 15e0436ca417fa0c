"""The optimiser of a network, and leaving alone what a batch says nothing about."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
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


class _SavedRows(NamedTuple):
    """A tensor, which of its rows were saved (None for all), and what they held."""

    tensor: Tensor
    rows: Tensor | None
    before: Tensor


class Untouched:
    """Keeps what serves only tasks without a label in the batch exactly as it was.

    A zero gradient is not enough: weight decay and momentum would still move the weights. So the
    rows are saved before the step and put back after it, together with their optimiser state.

    Args:
        network: The network.
        optimiser: Its optimiser.
    """

    def __init__(self, network: BranchedNetwork, optimiser: Optimizer) -> None:
        # On the host, so that a step need not wait for the device to know what to save.
        self._rows = [(tensor, owners.cpu().numpy()) for tensor, owners in network.owned_rows()]
        self._optimiser = optimiser
        self._saved: list[_SavedRows] = []

    @torch.no_grad()
    def save(self, present: Sequence[bool]) -> None:
        """Remember every row that the step must not move.

        Args:
            present: For each task, whether it has a label in the batch.
        """
        labelled = np.asarray(present)
        self._saved = []
        for tensor, owners in self._rows:
            absent = np.flatnonzero(~owners[:, labelled].any(axis=1))
            if not len(absent):
                continue
            whole = len(owners) == 1
            rows = None if whole else torch.from_numpy(absent).to(tensor.device)
            for part in (tensor, *self._state_of(tensor)):
                before = part.clone() if rows is None else part.index_select(0, rows)
                self._saved.append(_SavedRows(part, rows, before))

    @torch.no_grad()
    def restore(self) -> None:
        """Put them back."""
        for part, rows, before in self._saved:
            if rows is None:
                part.copy_(before)
            else:
                part.index_copy_(0, rows, before)
        self._saved = []

    def _state_of(self, tensor: Tensor) -> list[Tensor]:
        state = self._optimiser.state.get(tensor, {})
        return [value for value in state.values() if value.shape == tensor.shape]
