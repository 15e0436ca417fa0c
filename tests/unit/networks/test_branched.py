import copy
import itertools

import pytest
import torch
from tests.references.networks import LoopedNetwork
from tests.settings import DEVICE, DTYPE
from torch import nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.networks import BranchedNetwork, Branches, mlp, n_parameters, stage_costs
from ramify.tasks import Binary, SharingTree, Task, TaskSet

from ._backbones import (
    BACKBONES,
    N_INPUTS,
    NAMES,
    TASKS,
    TREE,
    TREES,
    built,
    inputs,
)

every_backbone = pytest.mark.parametrize("backbone", BACKBONES)
every_tree = pytest.mark.parametrize("tree", TREES.values(), ids=TREES)


def head_columns(task: int) -> list[int]:
    return [c for c, t in enumerate(TASKS.task_of_column) if t == task]


@every_backbone
@every_tree
def test_computes_what_a_loop_over_plain_modules_computes(backbone: str, tree: SharingTree) -> None:
    network = built(backbone, tree).eval()
    looped = LoopedNetwork(built(backbone, tree, stack=False).eval())
    assert_close(network(inputs()), looped(inputs()), rtol=1e-10, atol=1e-12)


@every_backbone
def test_has_the_gradients_of_the_loop(backbone: str) -> None:
    network = built(backbone, TREE).eval()
    plain = built(backbone, TREE, stack=False).eval()
    looped = LoopedNetwork(plain)
    weights = torch.randn(7, TASKS.n_columns, dtype=DTYPE, device=DEVICE)
    x, y = inputs().requires_grad_(), inputs().requires_grad_()
    (network(x) * weights).sum().backward()
    (looped(y) * weights).sum().backward()
    assert_close(x.grad, y.grad, rtol=1e-9, atol=1e-11)
    for i, stage in enumerate(network.stages):
        joined = getattr(stage, "joined", None)
        copies = [list(part.parameters()) for part in looped.stages[i].children()]
        if joined is None:
            found = [list(p.parameters()) for p in stage.get_submodule("copies").children()]
            grads = [[p.grad for p in part] for part in found]
        else:
            every = list(joined.parameters())
            grads = [[p.grad[g] for p in every if p.grad is not None] for g in range(len(copies))]
        for mine, theirs in zip(grads, copies, strict=True):
            for gradient, parameter in zip(mine, theirs, strict=True):
                assert_close(gradient, parameter.grad, rtol=1e-9, atol=1e-11)
    for t, head in enumerate(looped.heads):
        assert network.heads.weight.grad is not None
        assert_close(network.heads.weight.grad[head_columns(t)], head.weight.grad)


@pytest.mark.parametrize(
    "backbone", ["batch norm", "layer norm", "linear", "residual blocks", "not stackable"]
)
def test_has_the_batch_statistics_of_the_loop(backbone: str) -> None:
    network = built(backbone, TREE).train()
    plain = built(backbone, TREE, stack=False).train()
    looped = LoopedNetwork(plain)
    for _ in range(3):
        assert_close(network(inputs()), looped(inputs()), rtol=1e-9, atol=1e-11)
    assert_close(network.eval()(inputs()), looped.eval()(inputs()), rtol=1e-9, atol=1e-11)


@every_backbone
def test_branches_one_by_one_are_the_branches_in_one_operation(
    backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs, gradients, and the statistics that training leaves."""
    for mode in (True, False):
        together, apart = built(backbone, TREE).train(mode), built(backbone, TREE).train(mode)
        for network in (together, apart):  # where random numbers go may differ
            for module in network.modules():
                if isinstance(module, nn.Dropout | nn.Dropout2d):
                    module.p = 0.0
        weights = torch.randn(7, TASKS.n_columns, dtype=DTYPE, device=DEVICE)
        expected = together(inputs())
        with monkeypatch.context() as patch:
            patch.setattr(
                "ramify.networks.branched._branches.Branches._together", lambda _, __: False
            )
            found = apart(inputs())
        assert_close(found, expected, rtol=1e-9, atol=1e-11)
        (expected * weights).sum().backward()
        (found * weights).sum().backward()
        for mine, theirs in zip(apart.parameters(), together.parameters(), strict=True):
            assert_close(mine.grad, theirs.grad, rtol=1e-8, atol=1e-10)
        for name, tensor in apart.state_dict().items():
            assert_close(tensor, together.state_dict()[name], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("sizes", [(3, 8, 8), (3, 64, 64)])
def test_a_convolutional_stage_runs_together_only_while_it_is_small(
    sizes: tuple[int, int, int],
) -> None:
    stage = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU())
    branches = Branches([copy.deepcopy(stage) for _ in range(5)])
    y = branches(torch.randn(5, 16, *sizes), range(5))
    assert isinstance(y, list) == (sizes[1] == 64)
    assert len(y) == 5


@pytest.mark.parametrize(
    "backbone", [name for name in BACKBONES if name not in {"not stackable", "convolutions"}]
)
def test_stages_with_several_branches_are_stacked(backbone: str) -> None:
    network = built(backbone, TREE)
    assert [getattr(stage, "joined", None) is not None for stage in network.stages] == [
        False,
        True,
        True,
    ]


@every_backbone
def test_widening_preserves_the_function(backbone: str) -> None:
    network = built(backbone, TREES["shared"]).eval()
    before = network(inputs())
    for stage, partition in ((2, TREE.stages[2]), (1, TREE.stages[1]), (0, TREE.stages[1])):
        wider = network.widen(stage, partition)
        assert_close(wider(inputs()), before, rtol=1e-11, atol=1e-13)
        assert not wider.training
        network = wider
    assert network.tree.widths == (2, 2, 4)


@every_backbone
@pytest.mark.parametrize("stack", [True, False])
def test_regrowing_preserves_the_function_of_branches_that_differ(
    backbone: str, stack: bool
) -> None:
    network = built(backbone, TREE, stack=stack).eval()
    again = network.regrown(TREES["separate"])
    assert again.tree == TREES["separate"]
    assert_close(again(inputs()), network(inputs()), rtol=1e-11, atol=1e-13)


def test_widening_preserves_the_mode() -> None:
    network = built("mlp", TREES["shared"])
    for mode in (True, False):
        wider = network.train(mode).widen(2, TREE.stages[2])
        assert all(module.training == mode for module in wider.stages.modules() if _leaf(module))


def _leaf(module: nn.Module) -> bool:
    return not list(module.children()) and not isinstance(module, nn.ModuleList)


@pytest.mark.parametrize("backbone", ["linear", "convolutions"])
def test_widening_shares_no_memory_and_changes_nothing(backbone: str) -> None:
    network = built(backbone, TREES["shared"])
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    wider = network.widen(2, TREE.stages[2])
    with torch.no_grad():
        for parameter in wider.parameters():
            parameter.add_(1)
    assert network.tree == TREES["shared"]
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_widening_a_stage_of_copies_gives_copies() -> None:
    wider = built("linear", TREES["shared"]).widen(2, TREE.stages[2])
    for parameter in wider.stages[2].parameters():
        for other in parameter[1:]:
            assert torch.equal(other, parameter[0])


def test_the_backbone_is_copied() -> None:
    backbone = BACKBONES["linear"]().to(DEVICE, DTYPE)
    before = [parameter.clone() for parameter in backbone.parameters()]
    network = BranchedNetwork(backbone, TREE, TASKS)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    for old, new in zip(before, backbone.parameters(), strict=True):
        assert torch.equal(old, new)


@pytest.mark.parametrize("backbone", ["linear", "mlp", "convolutions", "batch norm"])
@pytest.mark.parametrize("stack", [True, False])
def test_separate_networks_leak_no_gradient(backbone: str, stack: bool) -> None:
    network = built(backbone, TREES["separate"], stack=stack)
    for t in range(len(TASKS)):
        network.zero_grad(set_to_none=False)
        network(inputs())[:, head_columns(t)].square().sum().backward()
        for tensor, owners in network.owned_weights():
            if not tensor.requires_grad or tensor.grad is None:
                continue
            for row, serves in enumerate(owners):
                part = tensor.grad if len(owners) == 1 else tensor.grad[row]
                if not serves[t]:
                    assert (part == 0).all()
        moved = [p.grad is not None and bool((p.grad != 0).any()) for p in network.parameters()]
        assert any(moved)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_shared_tree_is_a_plain_network_bit_for_bit(dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    backbone = BACKBONES["batch norm"]().to(DEVICE, dtype)
    network = BranchedNetwork(backbone, TREES["shared"], TASKS).to(DEVICE, dtype)
    head = nn.Linear(4, TASKS.n_columns).to(DEVICE, dtype)
    head.load_state_dict({"weight": network.heads.weight, "bias": network.heads.bias})
    plain = nn.Sequential(backbone, head)
    x = inputs(dtype=dtype)
    assert torch.equal(network(x), plain(x))
    network(x).sum().backward()
    plain(x).sum().backward()
    mine = list(network.stages.parameters())
    for parameter, other in zip(mine, backbone.parameters(), strict=True):
        assert parameter.grad is not None
        assert other.grad is not None
        assert torch.equal(parameter.grad, other.grad)
    assert torch.equal(network.eval()(x), plain.eval()(x))


@every_backbone
@every_tree
def test_parameters_are_widths_times_stages_plus_heads(backbone: str, tree: SharingTree) -> None:
    network = built(backbone, tree)
    costs = stage_costs(BACKBONES[backbone](), TASKS, torch.zeros(2, N_INPUTS))
    single = [cost.parameters for cost in costs.stages]
    heads = (4 + 1) * TASKS.n_columns
    expected = sum(w * size for w, size in zip(tree.widths, single, strict=True)) + heads
    assert n_parameters(network) == expected
    assert costs.of(tree).parameters == expected
    assert network.stage_sizes() == single
    assert built(backbone, TREES["shared"]).parameters_of(tree) == expected


@every_backbone
@every_tree
@pytest.mark.parametrize("stack", [True, False])
def test_owned_weights_cover_each_branch_once(
    backbone: str, tree: SharingTree, stack: bool
) -> None:
    network = built(backbone, tree, stack=stack)
    owned = network.owned_weights()
    pointers = [tensor.data_ptr() for tensor, _ in owned]
    assert len(pointers) == len(set(pointers))
    by_pointer = {tensor.data_ptr(): owners for tensor, owners in owned}
    for i, stage in enumerate(network.stages):
        state = [*stage.parameters(), *(b for b in stage.buffers() if b.is_floating_point())]
        serves = torch.zeros(tree.widths[i], len(TASKS), dtype=torch.bool)
        for t, group in enumerate(tree.assignment(i)):
            serves[group, t] = True
        for tensor in state:
            if tree.widths[i] == 1:
                assert tensor.data_ptr() not in by_pointer
            else:
                rows = by_pointer[tensor.data_ptr()].cpu()
                assert all(any(torch.equal(r, s) for s in serves) for r in rows)
    for tensor in (network.heads.weight, network.heads.bias):
        heads = by_pointer[tensor.data_ptr()]
        assert heads.int().argmax(dim=1).tolist() == list(TASKS.task_of_column)
        assert (heads.sum(dim=1) == 1).all()


def test_an_owned_row_is_what_moves_the_output_of_its_tasks() -> None:
    """Disturb a row: exactly the outputs of its owners change."""
    network = built("batch norm", TREE).eval()
    before = network(inputs())
    for tensor, owners in network.owned_weights():
        for row, serves in enumerate(owners):
            with torch.no_grad():
                part = tensor[row] if len(owners) > 1 else tensor
                kept = part.clone()
                part += 1.0
                changed = (network(inputs()) != before).any(dim=0)
                part.copy_(kept)
            tasks = {TASKS.task_of_column[c] for c in changed.nonzero().flatten().tolist()}
            assert tasks == set(serves.nonzero().flatten().tolist())


@every_tree
def test_every_group_is_fed_by_the_group_that_holds_it(tree: SharingTree) -> None:
    network = built("linear", tree)
    for stage in range(1, tree.n_stages):
        parents = network._parents[stage]
        assert parents == tree.parents(stage).tolist()
        for group, parent in zip(tree.stages[stage], parents, strict=True):
            assert set(group) <= set(tree.stages[stage - 1][parent])


@pytest.mark.parametrize("stage", range(3))
def test_a_wider_stage_never_stands_below_a_narrower_one(stage: int) -> None:
    network = built("linear", TREES["shared"])
    halves = [["a", "b"], ["c", "d", "e"]]
    if stage == 2:
        assert network.widen(stage, halves).tree.widths == (1, 1, 2)
        return
    with pytest.raises(InputError, match="may only divide towards the output"):
        network.widen(stage, halves)


def test_heads_start_at_the_base_rates() -> None:
    network = BranchedNetwork(mlp(N_INPUTS, (4,)), SharingTree.shared(NAMES, 1), TASKS)
    bias = network.heads.bias.detach()
    expected = [value for task in TASKS for value in task.kind.start_outputs]
    assert_close(bias.cpu(), torch.tensor(expected))
    assert_close(torch.sigmoid(bias[head_columns(3)]).item(), 0.1)


def test_branches_may_run_on_a_batch_of_any_size() -> None:
    network = built("linear", TREE).eval()
    whole = network(inputs(20))
    for n in (0, 1, 2, 4, 5, 20):
        assert_close(network(inputs(20)[:n]), whole[:n], rtol=1e-11, atol=1e-13)


def test_runs_under_state_dict_round_trip() -> None:
    one, two = built("batch norm", TREE), built("batch norm", TREE)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.add_(0.5)
    two.load_state_dict(one.state_dict())
    assert torch.equal(one.eval()(inputs()), two.eval()(inputs()))


@pytest.mark.parametrize(
    ("stage", "partition", "message"),
    [
        (2, [["a", "b"], ["c", "d"]], "each of the 5 tasks in exactly one"),
        (2, [["a", "b", "c"], ["c", "d", "e"]], "each of the 5 tasks in exactly one"),
        (
            2,
            [["a", "b", "c", "d", "e"], []],
            "stage 2 of a tree must have no empty group. Group 2 is",
        ),
        (2, [["a", "b", "c", "d", "e", "f"]], "unknown tasks: 'f'"),
        (3, [["a", "b"], ["c", "d", "e"]], "`stage` must be from 0 to 2"),
        (-1, [["a", "b"], ["c", "d", "e"]], "`stage` must be from 0 to 2"),
    ],
)
def test_refuses_to_widen_by_what_is_no_partition(
    stage: int, partition: list[list[str]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        built("linear", TREES["shared"]).widen(stage, partition)


def test_refuses_to_join_what_is_apart() -> None:
    network = built("linear", TREE)
    for tree in (TREES["shared"], TREES["full at the top"]):
        with pytest.raises(InputError, match="`tree` must only divide groups"):
            network.regrown(tree)
    with pytest.raises(InputError, match="`tree` must only divide groups"):
        network.widen(2, [["a"], ["b", "d"], ["c"], ["e"]])


def test_refuses_a_tree_of_other_tasks_or_stages() -> None:
    backbone = BACKBONES["linear"]()
    with pytest.raises(InputError, match=r"one level per stage of the backbone, 3\. Got 2"):
        BranchedNetwork(backbone, SharingTree.shared(NAMES, 2), TASKS)
    for names in (NAMES[:4], NAMES[::-1], (*NAMES, "f")):
        with pytest.raises(InputError, match="over the same tasks in the same order"):
            BranchedNetwork(backbone, SharingTree.shared(names, 3), TASKS)
    with pytest.raises(InputError, match="`tree` must only divide groups"):
        built("linear", TREES["shared"]).regrown(SharingTree.shared(NAMES, 2))


def test_many_tasks_and_one_task() -> None:
    for n in (1, 40):
        tasks = TaskSet([Task(f"t{i}", Binary()) for i in range(n)])
        tree = SharingTree.separate(tasks.names, 2)
        network = BranchedNetwork(mlp(3, (4, 4)), tree, tasks)
        assert network(torch.zeros(2, 3)).shape == (2, n)


def test_flops_follow_the_widths() -> None:
    costs = stage_costs(BACKBONES["linear"](), TASKS, torch.zeros(1, N_INPUTS))
    flops = [2 * N_INPUTS * 8, 2 * 8 * 8, 2 * 8 * 4]
    assert [cost.flops for cost in costs.stages] == flops
    assert costs.heads.flops == 2 * 4 * TASKS.n_columns
    for tree, other in itertools.pairwise(TREES.values()):
        difference = sum(
            (a - b) * f for a, b, f in zip(tree.widths, other.widths, flops, strict=True)
        )
        assert costs.of(tree).flops - costs.of(other).flops == difference
