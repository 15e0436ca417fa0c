"""What a step for one task does to others: planted structure, and the step taken by hand."""

import copy

import torch
from torch.testing import assert_close

from ramify.losses import TaskLosses
from ramify.stacked import FoldTraining, StackedMLP, SubsetRows, task_effects
from ramify.stacked._look_ahead import _effects
from ramify.tasks import Binary, Regression, Task, TaskSet

N = 200
TASKS = TaskSet([Task("a", Regression()), Task("b", Regression()), Task("c", Binary())])


def rows(n_tasks: int = 3) -> SubsetRows:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, 4, generator=generator)
    first, second = x[:, :1].abs() - 0.8, x[:, 1:2].abs() - 0.8
    noise = 0.1 * torch.randn(N, 2, generator=generator)
    targets = torch.cat(
        [first + noise[:, :1], first + noise[:, 1:], (second > 0) + 0.0], 1
    ).double()
    mask = torch.rand(N, 3, generator=generator) < 0.8
    every = torch.arange(N)
    return SubsetRows(x, targets[:, :n_tasks], mask[:, :n_tasks], every[:150], every[150:])


def test_a_look_is_the_step_taken_by_hand() -> None:
    torch.manual_seed(0)
    data, losses, batch = rows(), TaskLosses(TASKS), torch.arange(40)
    network = StackedMLP(1, 4, [6, 6], 3)
    with torch.no_grad():
        network.head.normal_()
    found, known = _effects(network, losses, data, batch)
    assert known.all()

    def loss(net: StackedMLP) -> torch.Tensor:
        outputs = net(data.inputs[batch])[0]
        found: torch.Tensor = losses(outputs, data.targets[batch], data.label_mask[batch])
        return found

    before = loss(network)
    for i in range(3):
        moved = copy.deepcopy(network)
        shared = [*moved.weights, *moved.biases, *moved.gains, *moved.shifts]
        gradients = torch.autograd.grad(loss(moved)[i], shared)
        with torch.no_grad():
            for each, gradient in zip(shared, gradients, strict=True):
                each.sub_(0.1 * gradient)
        effect = (1 - loss(moved) / before).double()
        assert_close(found[0, :, i], effect, rtol=1e-3, atol=1e-5)


def test_tasks_of_one_kind_help_each_other_more() -> None:
    settings = FoldTraining((6,), dropout=0.0, most_steps=200, warm_up=10, learning_rate=0.01)
    found = task_effects(rows(), TASKS, settings)
    for matrix in found:
        assert matrix[0, 1] > matrix[0, 2] + 0.01
        assert matrix[1, 0] > matrix[1, 2] + 0.01
    assert_close(found.cosine.diagonal(), torch.ones(3).double(), rtol=1e-5, atol=1e-5)


def test_nothing_is_known_of_a_task_without_labels() -> None:
    data = rows()
    mask = data.label_mask.clone()
    mask[:, 2] = False
    settings = FoldTraining((6,), most_steps=20)
    found = task_effects(data._replace(label_mask=mask), TASKS, settings)
    assert found.look_ahead[2].isnan().all()
    assert found.look_ahead[:, 2].isnan().all()
    assert not found.look_ahead[:2, :2].isnan().any()
