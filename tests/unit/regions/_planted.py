"""Pictures in which each task's label stands at one place, and networks that learn them."""

from functools import cache

import torch
from torch import Tensor, nn

from ramify.networks import BranchedNetwork
from ramify.tasks import Binary, SharingTree, Task, TaskSet

NAMES = ("left", "left too", "right", "right too")
TASKS = TaskSet([Task(name, Binary()) for name in NAMES])
SIZE = 16
HALVES = (("left", "left too"), ("right", "right too"))


def pictures(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noise, with a bright patch in the left half, the right half, both or none; and the labels."""
    draw = torch.Generator().manual_seed(seed)
    found = torch.rand(n, 1, SIZE, SIZE, generator=draw) * 0.3
    there = torch.rand(n, 2, generator=draw) < 0.5
    found[there[:, 0], :, 5:11, 1:6] += 1
    found[there[:, 1], :, 5:11, 10:15] += 1
    sides = there.float()
    return found - 0.3, sides[:, [0, 0, 1, 1]]


def backbone(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(8 * 64, 16),
            nn.ReLU(inplace=True),
        )


TREES = {
    "shared": SharingTree.shared(NAMES, 3),
    "grouped": SharingTree(NAMES, (((*NAMES,),), HALVES, HALVES)),
    "separate": SharingTree.separate(NAMES, 3),
}


@cache
def trained(tree: str, *, stack: bool = True) -> BranchedNetwork:
    """A network that has learned the tasks."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = BranchedNetwork(backbone(), TREES[tree], TASKS, stack=stack)
    inputs, labels = pictures(256, seed=1)
    adam = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(40):
        loss = nn.functional.binary_cross_entropy_with_logits(network(inputs), labels)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # of torch
        adam.step()
    assert loss < 0.05
    return network.eval()
