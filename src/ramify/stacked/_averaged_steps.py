"""Steps of AdamW on stacked networks, and the mean of their weights over the last of the steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from ramify.stacked._networks import StackedMLP

_MOMENTS = (0.9, 0.999)
_QUICK_MOMENTS = (0.9, 0.99)  # of few rows: gradients of few steps are all that there are
_FEW_ROWS = 2000
_AVERAGED = 0.1  # part of the steps so far that weights are averaged over
_EVERY_OTHER = 2


class StepSettings(Protocol):
    """What steps need to know."""

    @property
    def learning_rate(self) -> float:
        """Of AdamW."""

    @property
    def weight_decay(self) -> float:
        """Of AdamW."""

    @property
    def warm_up(self) -> int:
        """Steps in which the learning rate rises."""


class AveragedSteps:
    """An optimiser, and an exponential mean of the weights over about the last tenth of its steps.

    Args:
        networks: What is trained.
        settings: How.
        n_rows: Rows that are learned from.
    """

    def __init__(self, networks: StackedMLP, settings: StepSettings, n_rows: int) -> None:
        self._settings = settings
        weights, others = networks.decayed()
        self._optimiser = torch.optim.AdamW(
            [
                {"params": weights, "weight_decay": settings.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=_QUICK_MOMENTS if n_rows < _FEW_ROWS else _MOMENTS,
            fused=True,
        )
        self._parameters: list[Tensor] = list(networks.parameters())
        self.averaged = [each.detach().clone() for each in self._parameters]

    def prepare(self, step: int) -> None:
        """Set the learning rate of a step.

        Args:
            step: From 1.
        """
        settings = self._settings
        for group in self._optimiser.param_groups:
            group["lr"] = settings.learning_rate * min(1.0, step / settings.warm_up)

    def take(self, loss: Tensor, step: int) -> None:
        """One step, and its weights into the mean.

        Args:
            loss: To go down.
            step: From 1.
        """
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        if step <= self._settings.warm_up:
            part = 1.0
        elif step % _EVERY_OTHER:
            return
        else:
            part = 1 - (1 - 1 / (1 + _AVERAGED * step)) ** _EVERY_OTHER
        torch._foreach_lerp_(self.averaged, [each.detach() for each in self._parameters], part)

    @torch.no_grad()
    def put(self, values: list[Tensor]) -> None:
        """Give the networks other weights.

        Args:
            values: In the order of their parameters.
        """
        torch._foreach_copy_(self._parameters, values)

    @contextmanager
    def mean_weights(self) -> Iterator[None]:
        """Within the block the networks have the mean weights."""
        current = [each.detach().clone() for each in self._parameters]
        self.put(self.averaged)
        try:
            yield
        finally:
            self.put(current)
