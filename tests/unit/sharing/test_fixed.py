"""Given trees on convolutional networks, and the same trees with their tasks in other places."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from ramify.networks import (
    BackboneSpec,
    BranchedNetwork,
    ResNetSpec,
    VGGSpec,
    n_parameters,
    stages_of,
)
from ramify.sharing import FixedTree, HardSharing
from ramify.tasks import Binary, SharingTree, Task, TaskSet
from ramify.training import Trainer, Training

TASKS = TaskSet([Task(name, Binary()) for name in "abcd"])
GROUPS = (("a", "b"), ("c",), ("d",))
ORDERS = ([2, 0, 3, 1], [3, 2, 1, 0], [0, 1, 2, 3])
every_backbone = pytest.mark.parametrize(
    "spec", [VGGSpec(8), ResNetSpec(18, "cifar", 2)], ids=["vgg16", "resnet18"]
)
every_order = pytest.mark.parametrize("order", ORDERS, ids=str)


def backbone(spec: BackboneSpec) -> nn.Sequential:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return spec.build((1, 16, 16))


def tree_of(given: nn.Sequential) -> SharingTree:
    """Two tasks apart from two in the upper half, three groups at the last stage."""
    n = len(stages_of(given))
    halves = (("a", "b"), ("c", "d"))
    return SharingTree(
        TASKS.names, ((TASKS.names,),) * (n // 2) + (halves,) * (n - n // 2 - 1) + (GROUPS,)
    )


def pictures(n: int = 6) -> Tensor:
    return torch.randn(n, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def reached(network: BranchedNetwork, task: int) -> list[bool]:
    """Which groups of the last stage a task's output hangs on."""
    network.zero_grad()
    network(pictures())[:, task].sum().backward()
    last = list(network.branches())[-1]
    rows = [tensor for tensor, owner in last.rows() if owner is None and tensor.grad is not None]
    return [any(bool(row.grad[g].any()) for row in rows) for g in range(last.n_groups)]  # type: ignore[index]


@every_backbone
@every_order
def test_tasks_in_other_places_reach_the_branches_of_those_places(
    spec: BackboneSpec, order: Sequence[int]
) -> None:
    given = backbone(spec)
    tree = tree_of(given)
    network = FixedTree(tree).build(given, TASKS).eval()
    moved = FixedTree(tree.reassigned(order)).build(given, TASKS).eval()
    assert n_parameters(moved) == n_parameters(network)
    together = {frozenset(TASKS.names[order["abcd".index(t)]] for t in group) for group in GROUPS}
    seen: dict[tuple[bool, ...], set[str]] = {}
    for i, name in enumerate(TASKS.names):
        branches = reached(moved, i)
        assert sum(branches) == 1
        seen.setdefault(tuple(branches), set()).add(name)
    assert {frozenset(names) for names in seen.values()} == together


@every_backbone
@every_order
def test_dividing_into_a_given_tree_changes_no_output(
    spec: BackboneSpec, order: Sequence[int]
) -> None:
    shared = HardSharing().build(backbone(spec), TASKS)
    for _ in range(3):
        shared.train()(pictures(8))  # statistics that are not those of the start
    tree = tree_of(backbone(spec)).reassigned(order)
    divided = shared.regrown(tree)
    assert divided.tree == tree
    assert_close(divided.eval()(pictures()), shared.eval()(pictures()), rtol=1e-4, atol=1e-5)


@every_backbone
def test_a_tree_that_is_grown_first_ends_as_the_given_one(spec: BackboneSpec) -> None:
    given = backbone(spec)
    tree = tree_of(given).reassigned(ORDERS[0])
    x = pictures(16)
    data = TensorDataset(x, (x.mean(dim=(1, 2, 3))[:, None] > torch.zeros(4)).float())
    train, validation = DataLoader(data, 8), DataLoader(data, 16)
    trainer = Trainer(Training(epochs=1), seed=0)
    fitted = trainer.fit(FixedTree(tree, 1), given, TASKS, train, validation)
    assert fitted.tree == tree
    assert [list(epoch.widths)[-1] for epoch in fitted.curve] == [1, 3]
