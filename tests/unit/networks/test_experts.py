import pytest
import torch
from tests.references import sharing_networks as reference
from tests.settings import DEVICE, DTYPE
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.networks import BranchedNetwork
from ramify.networks.architectures._experts import ExpertLevel, ExpertNetwork, ExpertPlan, redrawn
from ramify.networks.stacked._widths import as_read
from ramify.tasks import Binary, SharingTree, Task, TaskSet

from ._columns import BACKBONES, TASKS, inputs

PLANS = {
    "MMoE": ExpertPlan(n_shared=3),
    "CGC": ExpertPlan(n_shared=2, n_own=1),
    "PLE": ExpertPlan(n_shared=1, n_own=2, progressive=True),
    "MMoE, levels": ExpertPlan(n_shared=2, progressive=True),
    "own only": ExpertPlan(n_shared=0, n_own=2, progressive=True),
    "trunk": ExpertPlan(n_shared=2, n_own=1, trunk_stages=1),
}
every_plan = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
every_backbone = pytest.mark.parametrize("backbone", BACKBONES)


def built(backbone: str, plan: ExpertPlan, tasks: TaskSet = TASKS) -> ExpertNetwork:
    torch.manual_seed(0)
    network = ExpertNetwork(BACKBONES[backbone](), tasks, plan).to(DEVICE, DTYPE)
    with torch.no_grad():
        for i, (name, parameter) in enumerate(network.named_parameters()):
            if "gate" in name:
                generator = torch.Generator().manual_seed(i)
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return network.eval()


def looped(network: ExpertNetwork, x: Tensor) -> Tensor:
    """Task by task and expert by expert, from the modules of the network."""
    plan, n_tasks = network.plan, len(network.tasks)
    streams = [network.trunk(x)] * (n_tasks + 1)
    for level in network.levels:
        assert isinstance(level, ExpertLevel)
        if level.experts.joined is not None:
            runs = level.experts.joined.each(level.experts.n_groups)
        else:
            runs = list(level.experts.copies)
        sources = [streams[t] for t in range(n_tasks) for _ in range(plan.n_own)]
        sources += [streams[-1]] * plan.n_shared
        given = [run(source) for run, source in zip(runs, sources, strict=True)]
        read = [as_read(s.unsqueeze(0), level.gates.shape[2])[0] for s in streams]
        mixed = []
        for t in range(n_tasks):
            own = given[t * plan.n_own : (t + 1) * plan.n_own]
            seen = [*own, *given[n_tasks * plan.n_own :]]
            mixed.append(reference.gated(seen, level.gates[t], read[t]))
        if level.shared_gate is not None:
            mixed.append(reference.gated(given, level.shared_gate, read[-1]))
        streams = mixed
    outputs = []
    of_column = torch.tensor(network.tasks.task_of_column)
    for t in range(n_tasks):
        rows = of_column == t
        features = streams[t].flatten(1)
        outputs.append(features @ network.heads.weight[rows].T + network.heads.bias[rows])
    return torch.cat(outputs, dim=1)


@every_backbone
@every_plan
def test_is_the_loop_over_tasks_and_experts(backbone: str, plan: ExpertPlan) -> None:
    network = built(backbone, plan)
    x = inputs(backbone)
    assert_close(network(x), looped(network, x), rtol=1e-9, atol=1e-11)


@every_plan
def test_has_the_gradients_of_the_loop(plan: ExpertPlan) -> None:
    network = built("table", plan)
    weights = torch.randn(5, TASKS.n_columns, dtype=DTYPE, device=DEVICE)
    parameters = list(network.parameters())
    found = torch.autograd.grad((network(inputs("table")) * weights).sum(), parameters)
    wanted = torch.autograd.grad((looped(network, inputs("table")) * weights).sum(), parameters)
    for mine, theirs in zip(found, wanted, strict=True):
        assert_close(mine, theirs, rtol=1e-8, atol=1e-10)


def test_a_level_passes_the_gradient_check() -> None:
    level = ExpertLevel(nn.Linear(3, 2), 3, 2, n_own=1, n_shared=1, goes_on=True).double()
    for parameter in level.parameters():
        parameter.data.normal_()
    x = torch.randn(1, 4, 3, dtype=torch.float64, requires_grad=True)
    streams = torch.randn(3, 4, 3, dtype=torch.float64, requires_grad=True)

    def run(given: Tensor) -> Tensor:
        found: Tensor = level(given, as_read(given, 3))
        return found

    assert torch.autograd.gradcheck(run, (x,))
    assert torch.autograd.gradcheck(run, (streams,))


@every_backbone
def test_one_expert_is_hard_sharing_bit_for_bit(backbone: str) -> None:
    torch.manual_seed(0)
    base = BACKBONES[backbone]()
    torch.manual_seed(1)
    n_stages = 2 if backbone == "equal widths" else 3
    shared = BranchedNetwork(base, SharingTree.shared(TASKS.names, n_stages), TASKS)
    torch.manual_seed(1)
    network = ExpertNetwork(base, TASKS, ExpertPlan(n_shared=1))
    x = inputs(backbone).to(torch.float32).to(DEVICE)
    assert torch.equal(network.to(DEVICE)(x).argmax(), shared.to(DEVICE)(x).argmax())
    assert_close(network(x), shared(x), rtol=1e-6, atol=1e-6)
    assert torch.equal(network.features(x)[0], shared.features(x)[0])


def test_one_expert_per_task_and_none_shared_are_separate_networks() -> None:
    torch.manual_seed(0)
    base = BACKBONES["table"]()
    torch.manual_seed(1)
    apart = BranchedNetwork(base, SharingTree.separate(TASKS.names, 3), TASKS)
    torch.manual_seed(1)
    for progressive in (False, True):
        torch.manual_seed(1)
        plan = ExpertPlan(n_shared=0, n_own=1, progressive=progressive)
        network = ExpertNetwork(base, TASKS, plan)
        x = inputs("table").float()
        assert torch.equal(network(x), apart(x))
        assert network.components.tolist() == [0, 1, 2]


@every_plan
def test_no_gradient_of_a_task_reaches_what_others_own(plan: ExpertPlan) -> None:
    network = built("table", plan)
    network(inputs("table"))[:, 0].sum().backward()
    owned = network.owned_weights()
    assert owned
    for tensor, owners in owned:
        if tensor.grad is not None and len(owners) > 1:
            assert not tensor.grad[~owners[:, 0]].any()


@every_plan
def test_what_is_not_owned_hears_every_task(plan: ExpertPlan) -> None:
    network = built("table", plan)
    owned = {id(rows.tensor) for rows in network.owned_weights()}
    for column in (0, 1, 4):
        network.zero_grad()
        network(inputs("table"))[:, column].square().sum().backward()
        for name, parameter in network.named_parameters():
            if id(parameter) not in owned and "gates" not in name and "experts" not in name:
                assert parameter.grad is not None
                assert parameter.grad.any(), name


def test_all_experts_differ_but_for_the_tasks_first() -> None:
    network = built("table", ExpertPlan(n_shared=2, n_own=2))
    (weight,) = [
        p for n, p in network.named_parameters() if n.endswith("0.0.weight") and p.shape[0] == 8
    ]
    first = weight.flatten(1)  # a: 0, 1; b: 2, 3; c: 4, 5; shared: 6, 7
    assert torch.equal(first[0], first[2])
    assert torch.equal(first[1], first[3])
    assert len({tuple(row.tolist()) for row in first}) == 4


def test_redrawn_weights_are_the_same_numbers_and_norms_stay() -> None:
    block = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5))
    block.get_parameter("1.weight").data.copy_(torch.arange(5))
    again = redrawn(block)
    assert not torch.equal(again.get_parameter("0.weight"), block.get_parameter("0.weight"))
    assert torch.equal(again.get_parameter("1.weight"), block.get_parameter("1.weight"))


def test_a_single_task_is_its_own_mixture() -> None:
    tasks = TaskSet([Task("only", Binary())])
    for plan in PLANS.values():
        network = built("table", plan, tasks)
        assert network(inputs("table")).shape == (5, 1)
        assert_close(network(inputs("table")), looped(network, inputs("table")))


def test_hostile_plans_are_named() -> None:
    with pytest.raises(InputError, match=r"`n_own` must be 0 or more. Got -1"):
        ExpertPlan(n_own=-1)
    with pytest.raises(InputError, match="there is no expert"):
        ExpertPlan(n_shared=0)
    with pytest.raises(InputError, match="`trunk_stages` must leave a stage"):
        ExpertNetwork(BACKBONES["table"](), TASKS, ExpertPlan(trunk_stages=3))
    images = ExpertNetwork(
        [nn.Unflatten(1, (2, 3)), nn.Conv1d(2, 4, 1), nn.Flatten(), nn.Linear(12, 4)],
        TASKS,
        ExpertPlan(trunk_stages=1),
    )
    assert images(torch.zeros(5, 6)).shape == (5, 5)
    with pytest.raises(ShapeError, match="its first layer reads 6"):
        as_read(torch.zeros(1, 5, 7), 6)
