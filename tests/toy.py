"""A small learning problem with partial labels, and ways to train on it."""

import numpy as np
import torch
from torch import Tensor, nn

from ramify.data import TableBatches
from ramify.networks import mlp
from ramify.tasks import Binary, Multiclass, Regression, Task, TaskSet

N_INPUTS = 6
BINARY = TaskSet([Task(name, Binary()) for name in "abcd"])
MIXED = TaskSet(
    [
        Task("a", Binary()),
        Task("b", Regression(5.0, 2.0)),
        Task("c", Multiclass(("x", "y", "z"))),
        Task("d", Binary()),
    ]
)


def tensors(
    tasks: TaskSet, n: int = 96, *, labelled: float = 0.7, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Targets of two hidden directions: the first half of the tasks shares one, the rest another."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, N_INPUTS))
    signals = x[:, :2] @ np.array([[1.0, 0.0], [0.5, -1.0]])
    targets = np.zeros((n, len(tasks)))
    for t, task in enumerate(tasks):
        signal = signals[:, 2 * t // len(tasks)] + 0.2 * rng.standard_normal(n)
        if isinstance(task.kind, Binary):
            targets[:, t] = signal > 0
        elif isinstance(task.kind, Multiclass):
            targets[:, t] = np.digitize(signal, [-0.5, 0.5])
        else:
            targets[:, t] = 5 + 2 * signal
    mask = rng.random((n, len(tasks))) < labelled
    targets[~mask] = 0
    return (
        torch.from_numpy(x).float(),
        torch.from_numpy(targets).float(),
        torch.from_numpy(mask),
    )


def batches(
    tasks: TaskSet, n: int = 96, *, labelled: float = 0.7, size: int = 16, seed: int = 0
) -> TableBatches:
    return TableBatches(*tensors(tasks, n, labelled=labelled, seed=seed), size, seed=1)


def held_out(tasks: TaskSet) -> TableBatches:
    return TableBatches(*tensors(tasks, 64, seed=9), 64, seed=1, shuffle=False)


def backbone(dropout: float = 0.2) -> nn.Sequential:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return mlp(N_INPUTS, hidden=(8, 8), dropout=dropout, input_dropout=0.0)
