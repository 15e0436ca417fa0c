import pytest
import torch
from tests.settings import DEVICE, DTYPE
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.networks import BranchedNetwork, n_parameters, stages_of
from ramify.networks.architectures._attached import AttachedNetwork
from ramify.tasks import SharingTree

from ._columns import BACKBONES, TASKS, inputs

NAMES = TASKS.names
TREES = {
    "shared": SharingTree.shared(NAMES, 3),
    "separate": SharingTree.separate(NAMES, 3),
    "growing": SharingTree(
        NAMES, ((("a", "b", "c"),), (("a", "c"), ("b",)), (("a",), ("b",), ("c",)))
    ),
}
PLACES = [(0, 2, 1), (2, 2, 2), (0, 0, 0), (1, 0, 2), (2, 0, 0)]
every_tree = pytest.mark.parametrize("tree", TREES.values(), ids=TREES)


def built(backbone: str, tree: SharingTree, attached: tuple[int, ...]) -> AttachedNetwork:
    torch.manual_seed(0)
    network = AttachedNetwork(BACKBONES[backbone](), tree, TASKS, attached).to(DEVICE, DTYPE)
    return network.eval()


def looped(network: AttachedNetwork, backbone: str, attached: tuple[int, ...], x: Tensor) -> Tensor:
    """Each task through the plain stages up to its own; all copies are alike here."""
    torch.manual_seed(0)
    stages = [part.to(DEVICE, DTYPE).eval() for part in stages_of(BACKBONES[backbone]())]
    outputs = []
    for t, at in enumerate(attached):
        y = x
        for stage in stages[: at + 1]:
            y = stage(y)
        heads = network.heads.get_submodule(str(at))
        own = [u for u, other in enumerate(attached) if other == at].index(t)
        rows = torch.tensor([owner == own for owner in heads.task_of_column_list])  # type: ignore[union-attr]
        y = y.mean((2, 3)) if y.ndim == 4 else y
        weight, bias = heads.get_parameter("weight"), heads.get_parameter("bias")
        outputs.append(y @ weight[rows].T + bias[rows])
    return torch.cat(outputs, dim=1)


@every_tree
@pytest.mark.parametrize("attached", PLACES)
@pytest.mark.parametrize("backbone", ["table", "image"])
def test_is_each_task_through_its_own_stages(
    backbone: str, tree: SharingTree, attached: tuple[int, ...]
) -> None:
    network = built(backbone, tree, attached)
    x = inputs(backbone)
    assert_close(network(x), looped(network, backbone, attached, x), rtol=1e-9, atol=1e-11)


@every_tree
@pytest.mark.parametrize("backbone", ["table", "image"])
def test_all_at_the_last_stage_are_a_branched_network_bit_for_bit(
    backbone: str, tree: SharingTree
) -> None:
    torch.manual_seed(0)
    base = BACKBONES[backbone]()
    torch.manual_seed(1)
    one = BranchedNetwork(base, tree, TASKS)
    torch.manual_seed(1)
    two = AttachedNetwork(base, tree, TASKS, [2, 2, 2])
    x = inputs(backbone).float()
    assert torch.equal(one(x), two(x))


@every_tree
@pytest.mark.parametrize("attached", PLACES)
def test_a_task_has_no_gradient_above_its_stage(
    tree: SharingTree, attached: tuple[int, ...]
) -> None:
    network = built("table", tree, attached)
    for task in range(3):
        network.zero_grad()
        columns = [c for c, t in enumerate(TASKS.task_of_column) if t == task]
        network(inputs("table"))[:, columns].square().sum().backward()
        for i, stage in enumerate(network.stages):
            grads = [p.grad for p in stage.parameters() if p.grad is not None]
            moved = any(bool(grad.any()) for grad in grads)
            assert moved == (i <= attached[task])


@every_tree
@pytest.mark.parametrize("attached", PLACES)
def test_what_a_task_does_not_own_hears_nothing_of_it(
    tree: SharingTree, attached: tuple[int, ...]
) -> None:
    network = built("table", tree, attached)
    for task in range(3):
        network.zero_grad()
        columns = [c for c, t in enumerate(TASKS.task_of_column) if t == task]
        network(inputs("table"))[:, columns].square().sum().backward()
        for tensor, owners in network.owned_weights():
            if tensor.grad is not None:
                whole = tensor.grad if len(owners) > 1 else tensor.grad.unsqueeze(0)
                assert not whole[~owners[:, task]].any()


def test_branches_exist_only_as_far_up_as_a_task_needs_them() -> None:
    network = built("table", TREES["separate"], (0, 2, 0))
    assert [stage.n_groups for stage in network.stages] == [3, 1, 1]
    low = built("table", TREES["shared"], (0, 0, 0))
    assert len(low.stages) == 1
    assert n_parameters(low) < n_parameters(built("table", TREES["shared"], (2, 2, 2)))


def test_parts_are_those_of_the_tree() -> None:
    assert built("table", TREES["separate"], (0, 1, 2)).components.tolist() == [0, 1, 2]
    assert built("table", TREES["shared"], (0, 1, 2)).components.tolist() == [0, 0, 0]


def test_hostile_arguments_are_named() -> None:
    backbone = BACKBONES["table"]()
    with pytest.raises(InputError, match=r"one stage per task, 3. Got 2"):
        AttachedNetwork(backbone, TREES["shared"], TASKS, [0, 1])
    with pytest.raises(InputError, match=r"stages from 0 to 2. Got 3"):
        AttachedNetwork(backbone, TREES["shared"], TASKS, [0, 1, 3])
    with pytest.raises(InputError, match="one level per stage"):
        AttachedNetwork(backbone, SharingTree.shared(NAMES, 2), TASKS, [0, 1, 1])
    assert isinstance(backbone, nn.Module)
