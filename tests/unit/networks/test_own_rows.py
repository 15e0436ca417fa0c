from collections.abc import Callable

import pytest
import torch
from tests.settings import DEVICE
from torch import Tensor, nn
from torch.testing import assert_close

from ramify.losses import TaskLosses
from ramify.networks import (
    FORMS,
    BranchedNetwork,
    FactorisedNetwork,
    RowRouter,
    TaskNetwork,
    ranks_of,
    spread,
)
from ramify.tasks import Binary, Multiclass, Regression, SharingTree, Task, TaskSet

NAMES = "abcdef"
TASKS = TaskSet(
    [
        *(Task(name, Binary()) for name in "ab"),
        Task("c", Multiclass(("x", "y", "z"))),
        *(Task(name, Regression(0.5, 2.0)) for name in "def"),
    ]
)
TREES = {
    "separate": SharingTree.separate(NAMES, 3),
    "shared trunk": SharingTree(
        tuple(NAMES), ((tuple(NAMES),), *[tuple((name,) for name in NAMES)] * 2)
    ),
    "groups, then tasks": SharingTree(
        tuple(NAMES),
        (
            (("a", "c"), ("b", "d"), ("e", "f")),
            (("a",), ("c",), ("b", "d"), ("e",), ("f",)),
            tuple((name,) for name in NAMES),
        ),
    ),
}
every_tree = pytest.mark.parametrize("tree", TREES.values(), ids=TREES)


def table() -> nn.Sequential:
    layers = (nn.Linear(5, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 6), nn.Tanh())
    return nn.Sequential(*layers, nn.Linear(6, 4), nn.ReLU())


def pictures() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(4, 3, 3), nn.ReLU(), nn.Flatten()),
        nn.Sequential(nn.Linear(12, 5), nn.ReLU()),
    )


Backbone = Callable[[], nn.Sequential]
BACKBONES = {"table": (table, (5,)), "pictures": (pictures, (1, 8, 8))}
every_backbone = pytest.mark.parametrize(
    ("backbone", "shape"), BACKBONES.values(), ids=list(BACKBONES)
)


def rows_of_one_task(n: int, seed: int = 0) -> Tensor:
    """Every row has a label of one task; the task e has none at all."""
    generator = torch.Generator().manual_seed(seed)
    task = torch.randint(0, len(TASKS) - 1, (n,), generator=generator)
    return nn.functional.one_hot(task + (task >= 4), len(TASKS)).bool()


def branched(backbone: nn.Sequential, tree: SharingTree) -> BranchedNetwork:
    torch.manual_seed(0)
    network = BranchedNetwork(backbone, tree, TASKS).to(DEVICE, torch.float64)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network


def losses_and_gradients(
    network: TaskNetwork, inputs: Tensor, mask: Tensor, *, routed: bool
) -> tuple[Tensor, list[Tensor]]:
    assert network.own_rows(mask.cpu()) is not None
    network.zero_grad()
    with network.asked_for(mask.cpu() if routed else None):
        outputs = network(inputs)
    losses = TaskLosses(TASKS).to(inputs.device, inputs.dtype)
    sums, counts = losses.sums(outputs, mask.to(inputs), mask)
    torch.autograd.backward((sums / counts.clamp(min=1)).sum())
    gradients = [parameter.grad for parameter in network.parameters()]
    return sums.detach(), [g.clone() for g in gradients if g is not None]


def same_either_way(network: TaskNetwork, inputs: Tensor, mask: Tensor) -> None:
    routed = losses_and_gradients(network, inputs, mask, routed=True)
    assert_close(routed, losses_and_gradients(network, inputs, mask, routed=False))


@every_tree
@every_backbone
def test_losses_and_gradients_are_those_of_all_rows(
    backbone: Backbone, shape: tuple[int, ...], tree: SharingTree
) -> None:
    inputs = torch.randn(23, *shape, dtype=torch.float64, device=DEVICE)
    same_either_way(branched(backbone(), tree), inputs, rows_of_one_task(23))


@pytest.mark.parametrize("form", FORMS)
@every_backbone
def test_factorised_ones_too(backbone: Backbone, shape: tuple[int, ...], form: str) -> None:
    columns = spread(branched(backbone(), TREES["separate"]))
    network = FactorisedNetwork(columns, form, ranks_of(columns, form, error=0.1))
    inputs = torch.randn(23, *shape, dtype=torch.float64, device=DEVICE)
    same_either_way(network, inputs, rows_of_one_task(23))


@every_tree
def test_every_branch_runs_the_rows_of_its_tasks_and_as_many_as_the_others(
    tree: SharingTree,
) -> None:
    mask = rows_of_one_task(40)
    found = RowRouter(tree).rows(mask)
    assert found is not None
    for branch, rows in enumerate(found.rows.tolist()):
        mine = mask[:, torch.from_numpy(tree.assignment(2) == branch)].any(1).nonzero().flatten()
        assert set(mine.tolist()) <= set(rows)
        assert len(set(rows)) == len(rows)
    assert found.rows.shape[1] == int(mask.sum(0).max())


def test_rows_that_a_branch_did_not_run_are_zero() -> None:
    found = RowRouter(SharingTree.separate(NAMES, 1)).rows(torch.eye(6, dtype=torch.bool))
    assert found is not None
    whole = found.put_back(torch.ones(6, 1, 2))
    assert_close(whole, torch.eye(6).unsqueeze(2).expand(6, 6, 2))


def test_no_label_at_all_and_no_row_at_all() -> None:
    router = RowRouter(SharingTree.separate(NAMES, 1))
    found = router.rows(torch.zeros(5, 6, dtype=torch.bool))
    assert found is not None
    assert found.rows.shape == (6, 1)
    assert router.rows(torch.zeros(0, 6, dtype=torch.bool)) is None


@pytest.mark.parametrize(
    "tree", [SharingTree.shared(NAMES, 2), SharingTree.separate(("a",), 2)], ids=["shared", "one"]
)
def test_a_single_branch_runs_all(tree: SharingTree) -> None:
    assert RowRouter(tree).rows(torch.zeros(8, len(tree.tasks), dtype=torch.bool)) is None


def test_all_rows_where_most_are_labelled() -> None:
    mask = torch.ones(10, len(NAMES), dtype=torch.bool)
    mask[::3] = False
    assert RowRouter(SharingTree.separate(NAMES, 2)).rows(mask) is None


def test_all_rows_where_statistics_are_those_of_the_batch() -> None:
    layers = (nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 4))
    network = branched(nn.Sequential(*layers, nn.Linear(4, 2)), TREES["separate"])
    assert network.train().own_rows(rows_of_one_task(20)) is None
    assert network.eval().own_rows(rows_of_one_task(20)) is not None


class Centred(nn.Module):
    """A layer of the user's own, which looks at all rows."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


def test_all_rows_where_a_layer_is_not_known() -> None:
    backbone = nn.Sequential(nn.Linear(5, 4), Centred(), nn.Linear(4, 4), nn.ReLU())
    tree = SharingTree.separate(NAMES, 2)
    assert branched(backbone, tree).eval().own_rows(rows_of_one_task(20)) is None
