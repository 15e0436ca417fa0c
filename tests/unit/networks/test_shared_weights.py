"""A weight that is used twice within a stage stays one weight in every branch."""

import torch
from torch import nn

from ramify.networks import BranchedNetwork, n_parameters
from ramify.networks.stacked._stacking import stacked
from ramify.tasks import Binary, SharingTree, Task, TaskSet

TASKS = TaskSet([Task(name, Binary()) for name in "ab"])


def stage() -> nn.Sequential:
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU())


def test_it_has_no_stacked_form() -> None:
    assert stacked([stage(), stage()]) is None


def test_branches_keep_it_tied() -> None:
    one = stage()
    network = BranchedNetwork([one], SharingTree.separate(TASKS.names, 1), TASKS)
    assert n_parameters(network) == 2 * n_parameters(one) + n_parameters(network.heads)
    x = torch.rand(3, 4)
    torch.testing.assert_close(network.features(x), torch.stack([one(x)] * 2))
