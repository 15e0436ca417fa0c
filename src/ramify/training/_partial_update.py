"""Leaving alone what a batch says nothing about."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from ramify.networks import TaskNetwork
from ramify.sharing import HookContext, Step, StepHook


class _SavedRows(NamedTuple):
    """A tensor, which of its rows were saved (None for all), and what they held."""

    tensor: Tensor
    rows: Tensor | None
    before: Tensor


class PartialUpdate(StepHook):
    """Keeps what serves only tasks without a label in the batch exactly as it was.

    A zero gradient is not enough: weight decay and momentum would still move the weights, and a
    forward pass moves running statistics. So the rows are saved before the step and put back after
    it, together with their optimiser state.
    """

    def start(self, context: HookContext) -> None:
        """Find out which rows of which tensors serve which tasks."""
        self.watch(context.network, context.optimiser)

    def before_forward(self, step: Step) -> None:
        """Remember what the step must not move."""
        if not all(step.present):
            self.save(step.present)

    def after_step(self, step: Step) -> None:
        """Put it back."""
        if self._saved:
            self.restore()

    def watch(self, network: TaskNetwork, optimiser: Optimizer) -> None:
        """Keep rows of a network.

        Args:
            network: The network.
            optimiser: Its optimiser.
        """
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
