"""The Gram matrix in closed form against one backward pass per task."""

import pytest
import torch
from tests.settings import DEVICE, DTYPE
from torch import Tensor
from torch.testing import assert_close

from ramify.losses import TaskLosses
from ramify.tasks import Binary, Multiclass, Regression, Task, TaskSet
from ramify.weighting import gram_at_features

ONE_COLUMN = TaskSet([Task("a", Binary()), Task("b", Regression()), Task("c", Binary())])
MIXED = TaskSet(
    [
        Task("a", Multiclass(("x", "y", "z"))),
        Task("b", Regression()),
        Task("c", Multiclass(("x", "y"))),
        Task("d", Binary()),
    ]
)
sets = pytest.mark.parametrize("tasks", [ONE_COLUMN, MIXED], ids=["one column each", "mixed"])


def problem(tasks: TaskSet, rows: int = 12) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, head weights, targets and label mask."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(rows, 6, generator=generator).to(DEVICE, DTYPE)
    heads = torch.randn(tasks.n_columns, 6, generator=generator).to(DEVICE, DTYPE)
    targets = torch.randint(2, (rows, len(tasks)), generator=generator).to(DEVICE, DTYPE)
    mask = torch.rand(rows, len(tasks), generator=generator) < 0.7
    return features, heads, targets, mask.to(DEVICE)


def closed_form(tasks: TaskSet) -> Tensor:
    features, heads, targets, mask = problem(tasks)
    outputs = (features @ heads.T).requires_grad_()
    losses = TaskLosses(tasks).to(DEVICE, DTYPE)(outputs, targets, mask)
    (given,) = torch.autograd.grad(losses.sum(), outputs)
    columns = torch.tensor(tasks.task_of_column, device=DEVICE)
    return gram_at_features(given, heads, columns, len(tasks))


@sets
def test_equals_one_backward_pass_per_task(tasks: TaskSet) -> None:
    features, heads, targets, mask = problem(tasks)
    features.requires_grad_()
    losses = TaskLosses(tasks).to(DEVICE, DTYPE)(features @ heads.T, targets, mask)
    single = [torch.autograd.grad(loss, features, retain_graph=True)[0] for loss in losses]
    rows = torch.stack(single).flatten(1)
    assert_close(closed_form(tasks), rows @ rows.T)


@sets
def test_parts_of_a_batch_add_up_exactly(tasks: TaskSet) -> None:
    """Unlike the mean of the parts' own Gram matrices, of their own losses."""
    features, heads, targets, mask = problem(tasks)
    losses = TaskLosses(tasks).to(DEVICE, DTYPE)
    columns = torch.tensor(tasks.task_of_column, device=DEVICE)
    counts = mask.sum(0).to(DTYPE)
    total = torch.zeros(len(tasks), len(tasks), dtype=DTYPE, device=DEVICE)
    for part in (slice(0, 4), slice(4, 12)):
        outputs = (features[part] @ heads.T).requires_grad_()
        sums, _ = losses.sums(outputs, targets[part], mask[part])
        (given,) = torch.autograd.grad((sums / counts).sum(), outputs)
        total += gram_at_features(given, heads, columns, len(tasks))
    assert_close(total, closed_form(tasks))
