"""Separate networks of several tasks, stacked and as plain modules."""

import torch
from tests.settings import DEVICE, DTYPE
from torch import Tensor, nn

from ramify.networks import BranchedNetwork
from ramify.tasks import Binary, Multiclass, Regression, SharingTree, Task, TaskSet

TASKS = TaskSet(
    [
        Task("a", Binary()),
        Task("b", Multiclass(("x", "y", "z"))),
        Task("c", Regression(2.0, 3.0)),
    ]
)


def table() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU()),
        *(nn.Linear(8, 4), nn.Tanh()),
    )


def equal_widths() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh())


def image() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.Linear(4, 4), nn.ReLU()),
    )


BACKBONES = {"table": table, "equal widths": equal_widths, "image": image}


def inputs(name: str, n: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    shape = (n, 2, 6, 6) if name == "image" else (n, 6)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(DEVICE, DTYPE)


def columns(
    name: str, tasks: TaskSet = TASKS, *, alike: bool = False, stack: bool = True
) -> BranchedNetwork:
    """One network per task; of the same numbers whether stacked or not."""
    torch.manual_seed(0)
    backbone = BACKBONES[name]()
    n_stages = 2 if name == "equal widths" else 3
    tree = SharingTree.separate(tasks.names, n_stages)
    network = BranchedNetwork(backbone, tree, tasks, stack=stack).to(DEVICE, DTYPE)
    if not alike:
        stir(network)
    return network.eval()


@torch.no_grad()
def stir(network: BranchedNetwork) -> None:
    """Change every copy of a stage differently."""
    for i, stage in enumerate(network.stages):
        rows = list(stage.rows())  # type: ignore[operator]
        per_copy = len(rows) if rows[0][1] is None else len(rows) // len(network.tasks)
        for k, (tensor, group) in enumerate(rows):
            for g, part in enumerate(tensor if group is None else [tensor], group or 0):
                seed = 1000 * i + 100 * g + k % per_copy
                generator = torch.Generator().manual_seed(seed)
                noise = torch.rand(part.shape, generator=generator, dtype=torch.float64)
                part.add_(0.3 * noise.to(part))


def plain_stages(network: BranchedNetwork, task: int) -> list[nn.Module]:
    """The stages of one task's network, from an unstacked one."""
    return [list(stage.get_submodule("copies").children())[task] for stage in network.stages]


def heads_of(network: BranchedNetwork, features: list[Tensor]) -> Tensor:
    """What the heads make of every task's features, task by task."""
    outputs = []
    of_column = torch.tensor(network.tasks.task_of_column)
    for t, x in enumerate(features):
        rows = of_column == t
        outputs.append(x.flatten(1) @ network.heads.weight[rows].T + network.heads.bias[rows])
    return torch.cat(outputs, dim=1)
