"""A small learning problem on words: rows of ragged length, tasks of words and of rows."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ramify.data import LoaderBatches, as_batches
from ramify.networks import ReadsPositions
from ramify.tasks import ROW, TOKEN, Binary, Multiclass, Regression, Task, TaskSet, Unit

N_INPUTS, LONGEST = 6, 5


class Words(ReadsPositions):
    """The features of words out of a dictionary that also says which words there are."""

    unit: Unit = TOKEN

    def real(self, inputs: dict[str, Tensor]) -> Tensor:
        return inputs["real"]

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        return inputs["x"]


class Pixels(Words):
    """The same as an image of one row of pixels, with the channels first."""

    unit: Unit = Unit("pixel", 2, channels_first=True)

    def real(self, inputs: dict[str, Tensor]) -> Tensor:
        return inputs["real"].unsqueeze(1)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        return inputs["x"].movedim(-1, 1).unsqueeze(2)


MIXED_UNITS = TaskSet(
    [
        Task("word", Binary(), unit=TOKEN),
        Task("row", Binary(), unit=ROW),
        Task("class", Multiclass(("x", "y", "z")), unit=TOKEN),
        Task("number", Regression(5.0, 2.0), unit=ROW),
    ]
)
ONLY_TOKENS = TaskSet([Task(name, Binary(), unit=TOKEN) for name in "abcd"])


def rows(
    tasks: TaskSet, n: int = 96, *, labelled: float = 0.7, seed: int = 0
) -> dict[str, dict[str, Tensor]]:
    """Inputs, targets and masks by name: words follow a direction, rows their words' mean.

    The first half of the tasks has one direction, the second half another.
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, LONGEST, N_INPUTS))
    real = np.arange(LONGEST) < rng.integers(1, LONGEST + 1, size=n)[:, None]
    directions = x[:, :, :2] @ np.array([[1.0, 0.0], [0.5, -1.0]])
    targets, masks = {}, {}
    for t, task in enumerate(tasks):
        signal = directions[:, :, 2 * t // len(tasks)]
        if task.unit == ROW:
            signal = (signal * real).sum(1) / real.sum(1) ** 0.5
        signal = signal + 0.1 * rng.standard_normal(signal.shape)
        if isinstance(task.kind, Regression):
            values = 5 + 2 * signal
        elif isinstance(task.kind, Multiclass):
            values = np.digitize(signal, [-0.5, 0.5])
        else:
            values = signal > 0
        mask = rng.random(values.shape) < labelled
        masks[task.name] = torch.from_numpy(mask if task.unit == ROW else mask & real)
        targets[task.name] = torch.from_numpy(values.astype(np.float64)).float()
    inputs = {"x": torch.from_numpy(x).float(), "real": torch.from_numpy(real)}
    return {"inputs": inputs, "targets": targets, "label_mask": masks}


def batches(
    tasks: TaskSet, n: int = 96, *, labelled: float = 0.7, size: int = 16, seed: int = 0
) -> LoaderBatches:
    """Batches of so many rows."""
    found = rows(tasks, n, labelled=labelled, seed=seed)
    return as_batches([part(found, slice(i, i + size)) for i in range(0, n, size)], tasks)


def part(found: dict[str, dict[str, Tensor]], chosen: slice) -> dict[str, Any]:
    """Some of the rows, as a loader gives them."""
    return {
        name: {key: tensor[chosen] for key, tensor in parts.items()}
        for name, parts in found.items()
    }


def held_out(tasks: TaskSet) -> LoaderBatches:
    return batches(tasks, 48, size=24, seed=9)


def backbone(dropout: float = 0.2) -> nn.Sequential:
    """Two dense stages at every word."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(
            *(Words(), nn.Linear(N_INPUTS, 8), nn.LayerNorm(8), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(8, 8), nn.ReLU()),
        )


def convolutions() -> nn.Sequential:
    """Two stages of convolutions that keep every pixel."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(
            *(Pixels(), nn.Conv2d(N_INPUTS, 8, (1, 3), padding=(0, 1)), nn.ReLU()),
            *(nn.Conv2d(8, 8, 1), nn.ReLU()),
        )
