"""Leaving alone what a batch says nothing about."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from ramify.networks import TaskNetwork


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

    def __init__(self, network: TaskNetwork, optimiser: Optimizer) -> None:
        # On the host, so that a step need not wait for the device to know what to save.
        self._rows = [(tensor, owners.cpu().numpy()) for tensor, owners in network.owned_weights()]
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
