"""Hooks at work on one step, without a training around them."""

from collections.abc import Callable

import torch
from torch import Tensor

from ramify.data import Batch
from ramify.losses import TaskLosses
from ramify.networks import TaskNetwork
from ramify.sharing import HookContext, Step


def context(
    network: TaskNetwork,
    losses: TaskLosses | None = None,
    *,
    learns_structure: bool = True,
    labels_per_task: Callable[[], float] = lambda: 40.0,
) -> HookContext:
    """One rank that trains a network."""
    return HookContext(
        network=network,
        optimiser=torch.optim.SGD(network.parameters()),
        losses=TaskLosses(network.tasks) if losses is None else losses,
        seed=0,
        learns_structure=learns_structure,
        world_size=1,
        total=lambda tensor: tensor,
        labels_per_task=labels_per_task,
    )


def step_of(inputs: Tensor, targets: Tensor, label_mask: Tensor, number: int = 0) -> Step:
    """A step before its forward pass."""
    present = tuple(label_mask.any(0).tolist())
    batch = Batch(inputs, targets, label_mask, present)
    return Step(number, 0.01, batch, present, inputs, targets, label_mask)
