"""What a step for one task does to the losses of the others, while one network learns all."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ramify.losses import TaskLosses
from ramify.stacked._networks import StackedMLP
from ramify.stacked._subsets import SubsetRows, SubsetRun
from ramify.stacked._training import FoldTraining
from ramify.tasks import TaskSet

_RATE = 0.1


class TaskEffects(NamedTuple):
    """How tasks affect each other in one network.

    Attributes:
        look_ahead: By what share the loss of a task (row) falls after a step for another (column);
            NaN for pairs without labels in a common batch ``(task, task)``.
        cosine: Of the gradients of two tasks at the shared weights, likewise.
    """

    look_ahead: Float[Tensor, "task task"]
    cosine: Float[Tensor, "task task"]


def task_effects(
    rows: SubsetRows,
    tasks: TaskSet,
    settings: FoldTraining,
    *,
    seeds: Sequence[int] = (0,),
    every: int = 10,
) -> TaskEffects:
    r"""Watch one network for all tasks train, and see what a step for each task would do.

    Every few steps a step of size *η* is taken for each task *i* from where the network is, on the
    shared weights only, and the losses of all tasks *j* are compared on the same batch:

    .. math:: Z_{ij} = 1 - L_j(\theta - \eta \nabla L_i) / L_j(\theta)

    All gradients are one backward pass and all steps one forward pass: as many copies of the network
    as there are tasks lie in one stacked network, and each has the loss of one task.

    Args:
        rows: What is learned from.
        tasks: All tasks; none that compares rows with each other.
        settings: How to train.
        seeds: Of the trainings whose mean is taken.
        every: Steps between two looks.

    References:
        Fifty, Amid, Zhao, Yu, Anil, Finn. *Efficiently identifying task groupings for multi-task
        learning*, NeurIPS 2021. They take the optimiser's step; here it is one of plain gradients.
    """
    n = len(tasks)
    sums, counts = torch.zeros(2, n, n).double(), torch.zeros(n, n).double()
    losses = TaskLosses(tasks)
    with torch.random.fork_rng([]):
        for seed in seeds:
            run = SubsetRun(rows, tasks, [tuple(range(n))], settings, seed)
            train, size = rows.train, min(settings.batch_size, len(rows.train))
            for step in run.taken(settings.most_steps):
                if step % every:
                    continue
                batch = train[torch.randperm(len(train))[:size]]
                found, known = _effects(run.networks, losses, rows, batch)
                sums += torch.where(known, found, 0.0)
                counts += known
    mean = torch.where(counts > 0, sums / counts, torch.nan)
    return TaskEffects(mean[0], mean[1])


def _effects(
    networks: StackedMLP, losses: TaskLosses, rows: SubsetRows, batch: Tensor
) -> tuple[Tensor, Tensor]:
    """Effects and cosines on a batch, and for which pairs both tasks have a label in it."""
    n = len(losses.tasks)
    copies = _copies(networks, n)
    shared = [*copies.weights, *copies.biases, *copies.gains, *copies.shifts]
    inputs, targets = rows.inputs[batch], rows.targets[batch]
    mask = rows.label_mask[batch]
    before = _losses(copies(inputs), losses, targets, mask)
    gradients = torch.autograd.grad(before.diagonal().sum(), shared)
    with torch.no_grad():
        flat = torch.cat([each.flatten(1) for each in gradients], dim=1)
        unit = nn.functional.normalize(flat, dim=1)
        for parameter, gradient in zip(shared, gradients, strict=True):
            parameter.sub_(_RATE * gradient)
        after = _losses(copies(inputs), losses, targets, mask)
        here = mask.any(dim=0)
        effect = 1 - after / torch.where(before > 0, before, 1.0)
        found = torch.stack([effect.T, unit @ unit.T]).double()
    return found, here & here[:, None]


def _losses(outputs: Tensor, losses: TaskLosses, targets: Tensor, mask: Tensor) -> Tensor:
    """Loss of each task in each copy ``(copy, task)``."""
    return torch.stack([losses(each, targets, mask) for each in outputs])


def _copies(networks: StackedMLP, n: int) -> StackedMLP:
    """A network several times, as it is without dropout."""
    _, n_inputs, n_columns, widths = networks.sizes
    copies = StackedMLP(n, n_inputs, widths, n_columns).eval()
    with torch.no_grad():
        for new, old in zip(copies.parameters(), networks.parameters(), strict=True):
            new.copy_(old.expand_as(new))
    return copies
