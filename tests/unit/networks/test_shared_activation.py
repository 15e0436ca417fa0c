import torch
from torch import nn
from torch.testing import assert_close

from ramify.networks import BranchedNetwork
from ramify.tasks import Binary, SharingTree, Task, TaskSet


def test_an_activation_that_a_stage_uses_twice_is_applied_twice_when_stacked() -> None:
    tasks = TaskSet([Task(name, Binary()) for name in "ab"])
    relu = nn.ReLU()
    backbone = nn.Sequential(nn.Sequential(nn.Linear(4, 4), relu, nn.Linear(4, 4), relu))
    x, outputs = torch.randn(8, 4), []
    for stack in (True, False):
        torch.manual_seed(0)
        tree = SharingTree.separate(tasks.names, 1)
        outputs.append(BranchedNetwork(backbone, tree, tasks, stack=stack)(x))
    assert_close(outputs[0], outputs[1])
