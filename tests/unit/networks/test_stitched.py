import pytest
import torch
from tests.references import sharing_networks as reference
from tests.settings import DEVICE, DTYPE
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.networks import BranchedNetwork, Parts, cnn
from ramify.networks.architectures._stitched import (
    StageMixture,
    StitchedNetwork,
    Stitching,
    StitchUnit,
)
from ramify.tasks import Binary, SharingTree, Task, TaskSet

from ._columns import BACKBONES, TASKS, columns, equal_widths, heads_of, inputs, plain_stages

every_backbone = pytest.mark.parametrize("backbone", BACKBONES)
TWO = TaskSet([Task("a", Binary()), Task("b", Binary())])


@torch.no_grad()
def stirred(network: StitchedNetwork) -> StitchedNetwork:
    for i, parameter in enumerate(network.units.parameters()):
        generator = torch.Generator().manual_seed(i)
        parameter.add_(0.3 * torch.rand(parameter.shape, generator=generator).to(parameter))
    return network


@every_backbone
def test_is_the_network_of_two_tasks_written_by_hand(backbone: str) -> None:
    network = stirred(StitchedNetwork(columns(backbone, TWO), Stitching(self_weight=0.8))).eval()
    plain = columns(backbone, TWO, stack=False)
    x = inputs(backbone)
    alphas = list(network.units.parameters())
    one, two = (plain_stages(plain, t) for t in range(2))
    features = reference.two_stitched(one, two, alphas, x)
    assert_close(network(x), heads_of(plain, list(features)), rtol=1e-9, atol=1e-11)


def test_has_the_gradients_of_the_network_written_by_hand() -> None:
    network = StitchedNetwork(columns("table", TWO), Stitching(self_weight=0.8))
    plain = columns("table", TWO, stack=False)
    x, y = inputs("table").requires_grad_(), inputs("table").requires_grad_()
    alphas = [unit.detach().clone().requires_grad_() for unit in network.units.parameters()]
    one, two = (plain_stages(plain, t) for t in range(2))
    network(x).square().sum().backward()
    features = reference.two_stitched(one, two, alphas, y)
    written = heads_of(plain, list(features)).square().sum()
    torch.autograd.backward(written)
    assert_close(x.grad, y.grad, rtol=1e-9, atol=1e-11)
    for unit, alpha in zip(network.units.parameters(), alphas, strict=True):
        assert_close(unit.grad, alpha.grad, rtol=1e-9, atol=1e-11)
    weight = network.stages[1].get_submodule("joined").get_submodule("0").get_parameter("weight")
    assert weight.grad is not None
    for t, stages in enumerate((one, two)):
        expected = stages[1].get_submodule("0").get_parameter("weight").grad
        assert_close(weight.grad[t], expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("stages", [None, (0,), (1,)])
@pytest.mark.parametrize("n_subspaces", [1, 2])
@every_backbone
def test_is_the_loop_over_tasks_and_subspaces(
    backbone: str, n_subspaces: int, stages: tuple[int, ...] | None
) -> None:
    way = Stitching(n_subspaces=n_subspaces, stages=stages)
    network = stirred(StitchedNetwork(columns(backbone), way)).eval()
    plain = columns(backbone, stack=False)
    x = [inputs(backbone)] * 3
    every = [plain_stages(plain, t) for t in range(3)]
    for i in range(len(every[0])):
        x = [stages[i](each) for stages, each in zip(every, x, strict=True)]
        if str(i) in network.units:
            alpha = network.units.get_submodule(str(i)).get_parameter("weight")
            x = reference.stitched(x, alpha, n_subspaces)
    assert_close(network(inputs(backbone)), heads_of(plain, x), rtol=1e-9, atol=1e-11)


@every_backbone
def test_is_the_loop_over_channels(backbone: str) -> None:
    network = stirred(StitchedNetwork(columns(backbone), Stitching(per_channel=True))).eval()
    plain = columns(backbone, stack=False)
    x = [inputs(backbone)] * 3
    every = [plain_stages(plain, t) for t in range(3)]
    for i, alpha in enumerate(network.units.parameters()):
        x = [stages[i](each) for stages, each in zip(every, x, strict=True)]
        x = reference.stitched_by_channel(x, alpha)
    assert_close(network(inputs(backbone)), heads_of(plain, x), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shape", [(3, 2, 4), (3, 2, 4, 2, 2)])
@pytest.mark.parametrize(("n_subspaces", "n_channels"), [(1, None), (2, None), (1, 4)])
def test_units_pass_the_gradient_check(
    n_subspaces: int, n_channels: int | None, shape: tuple[int, ...]
) -> None:
    unit = StitchUnit(3, self_weight=0.7, n_subspaces=n_subspaces, n_channels=n_channels).double()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    weight = torch.rand_like(unit.weight, requires_grad=True)

    def run(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.func.functional_call(unit, {"weight": weight}, (x,))
        return y

    assert torch.autograd.gradcheck(run, (x, weight))


def test_a_mixture_of_stages_passes_the_gradient_check() -> None:
    mixture = StageMixture(3, 2).double()
    one = torch.randn(3, 2, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    two = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: mixture([a, b]), (one, two))
    assert_close(mixture([one, two]), (one.mean((3, 4)) + two) / 2)


@every_backbone
def test_units_of_the_identity_are_separate_networks_bit_for_bit(backbone: str) -> None:
    apart = columns(backbone)
    for way in (Stitching(self_weight=1.0), Stitching(self_weight=1.0, n_subspaces=2)):
        assert torch.equal(StitchedNetwork(apart, way)(inputs(backbone)), apart(inputs(backbone)))


def test_units_of_the_identity_let_no_gradient_cross() -> None:
    network = StitchedNetwork(columns("table"), Stitching(self_weight=1.0))
    network(inputs("table"))[:, 0].sum().backward()  # task a has column 0
    for name, parameter in network.stages.named_parameters():
        assert parameter.grad is not None
        assert not parameter.grad[1:].any(), name
        assert parameter.grad[0].any(), name


@every_backbone
def test_equal_networks_mixed_evenly_are_one_network(backbone: str) -> None:
    alike = columns(backbone, alike=True)
    shared = BranchedNetwork(
        BACKBONES[backbone](), SharingTree.shared(TASKS.names, alike.tree.n_stages), TASKS
    ).to(DEVICE, DTYPE)
    for part, own in zip(shared.stages, alike.stages, strict=True):
        for (mine, _), (theirs, _) in zip(part.rows(), own.rows(), strict=True):  # type: ignore[operator]
            mine.data.copy_(theirs[0])
    shared.heads.load_state_dict(alike.heads.state_dict())
    even = StitchedNetwork(alike, Stitching(self_weight=1 / 3)).eval()
    # A third is rounded to single precision at the start.
    assert_close(even(inputs(backbone)), shared.eval()(inputs(backbone)), rtol=1e-5, atol=1e-6)


def test_one_subspace_and_the_last_stage_alone_are_a_cross_stitch_network() -> None:
    base = columns("equal widths")
    stitch = StitchedNetwork(base, Stitching())
    sluice = StitchedNetwork(base, Stitching(mixes_stages=True, last=1.0, n_subspaces=1))
    assert_close(sluice(inputs("equal widths")), stitch(inputs("equal widths")))


def test_the_first_stage_alone_is_supervision_at_a_low_level() -> None:
    base = columns("equal widths")
    way = Stitching(self_weight=1.0, mixes_stages=True, last=0.0)
    low = StitchedNetwork(base, way)
    plain = columns("equal widths", stack=False)
    x = inputs("equal widths")
    features = [plain_stages(plain, t)[0](x) for t in range(3)]
    assert_close(low(x), heads_of(plain, features), rtol=1e-9, atol=1e-11)


def test_equal_shares_of_all_stages_are_skip_connections() -> None:
    base = columns("equal widths")
    network = StitchedNetwork(base, Stitching(self_weight=1.0, mixes_stages=True))
    plain = columns("equal widths", stack=False)
    x = inputs("equal widths")
    first = [plain_stages(plain, t)[0](x) for t in range(3)]
    second = [plain_stages(plain, t)[1](y) for t, y in enumerate(first)]
    both = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    assert_close(network(x), heads_of(plain, both), rtol=1e-9, atol=1e-11)


def test_only_stages_as_wide_as_the_last_are_mixed() -> None:
    network = StitchedNetwork(columns("image"), Stitching(mixes_stages=True))
    assert network.mixture is not None
    assert network.mixture.weight.shape == (3, 3)  # maps of 4 channels count
    network = StitchedNetwork(columns("table"), Stitching(mixes_stages=True))
    assert network.mixture is not None
    assert network.mixture.weight.tolist() == [[1.0]] * 3


def test_maps_that_the_next_stage_flattens_to_the_last_width_are_mixed_flat() -> None:
    backbone = cnn((4,), (16,), input_size=(4, 4)).to(DEVICE)  # maps of 4 × 2 × 2, read as 16
    separate = BranchedNetwork(backbone, SharingTree.separate("ab", 2), TWO).to(DEVICE)
    network = StitchedNetwork(separate, Stitching(mixes_stages=True))
    assert network(torch.zeros(3, 1, 4, 4, device=DEVICE)).shape == (3, 2)


def test_rows_of_units_start_convex() -> None:
    for unit in (
        StitchUnit(3, self_weight=0.9),
        StitchUnit(3, self_weight=0.9, n_subspaces=2),
        StitchUnit(3, self_weight=0.9, n_channels=4),
    ):
        assert_close(unit.weight.sum(1), torch.ones_like(unit.weight.sum(1)))
        assert unit.weight.min() > 0
    assert_close(StitchUnit(2, self_weight=0.9).weight, torch.tensor([[0.9, 0.1], [0.1, 0.9]]))
    between = StitchUnit(3, self_weight=0.9, n_subspaces=2).between_tasks()
    assert_close(between.sum(1), torch.ones(3))


def test_the_number_of_weights_is_that_of_the_paper() -> None:
    network = StitchedNetwork(columns("equal widths"), Stitching(n_subspaces=2, mixes_stages=True))
    assert network.mixture is not None
    n_units = sum(each.numel() for each in network.units.parameters())
    k, m, n = 2, 3, 2
    assert n_units == k * m**2 * n**2
    assert network.mixture.weight.numel() == k * m


def test_weights_of_units_learn_faster_and_do_not_decay() -> None:
    network = StitchedNetwork(columns("equal widths"), Stitching(mixes_stages=True, rate=50.0))
    rules = network.parameter_rules()
    assert network.mixture is not None
    own = [*network.units.parameters(), network.mixture.weight]
    assert [rule.parameter for rule in rules] == own
    assert {(rule.rate, rule.decays) for rule in rules} == {(50.0, False)}


def test_what_comes_after_the_last_unit_is_a_tasks_own() -> None:
    network = StitchedNetwork(columns("table"), Stitching(stages=(0, 1)))
    owned = {id(rows.tensor): rows.owners for rows in network.owned_weights()}
    last = network.stages[2]
    assert all(id(tensor) in owned for tensor, _ in last.rows())  # type: ignore[operator]
    assert not any(id(tensor) in owned for tensor, _ in network.stages[0].rows())  # type: ignore[operator]
    units = list(network.units.parameters())
    assert [id(unit) in owned for unit in units] == [False, True]
    assert network.components.tolist() == [0, 0, 0]


@pytest.mark.parametrize("way", [Stitching(), Stitching(n_subspaces=2, mixes_stages=True)])
def test_no_gradient_of_a_task_reaches_what_others_own(way: Stitching) -> None:
    network = StitchedNetwork(columns("equal widths"), way)
    network(inputs("equal widths"))[:, 0].sum().backward()
    for tensor, owners in network.owned_weights():
        if tensor.grad is not None:
            assert not tensor.grad[~owners[:, 0]].any()


def test_networks_that_never_meet_stand_on_their_own() -> None:
    network = StitchedNetwork(columns("table"), Stitching(self_weight=1.0, rate=0.0))
    assert network.components.tolist() == [0, 1, 2]
    assert not any(each.requires_grad for each in network.units.parameters())
    apart = columns("table").owned_weights()
    assert len(network.owned_weights()) == len(apart)


def test_a_single_task_has_nothing_to_stitch() -> None:
    tasks = TaskSet([Task("only", Binary())])
    alone = columns("table", tasks)
    network = StitchedNetwork(alone, Stitching())
    assert not len(network.units)
    assert torch.equal(network(inputs("table")), alone(inputs("table")))


def test_a_file_that_calls_the_self_weight_own_is_read() -> None:
    network = StitchedNetwork(columns("table", TWO), Stitching(self_weight=0.7))
    old = {"own" if n == "self_weight" else n: s for n, s in network.settings().items()}
    parts = Parts(BACKBONES["table"](), network.tree, TWO)
    again = StitchedNetwork.rebuilt(parts, old)
    assert again.settings() == network.settings()


def test_hostile_settings_are_named() -> None:
    base = columns("table")
    with pytest.raises(InputError, match=r"`self_weight` must be in \[0, 1\]. Got 1.5"):
        Stitching(self_weight=1.5)
    with pytest.raises(InputError, match="`rate` must be finite"):
        Stitching(rate=float("nan"))
    with pytest.raises(InputError, match="exclude each other"):
        Stitching(per_channel=True, n_subspaces=2)
    with pytest.raises(InputError, match=r"`stages` must be from 0 to 2. Got 3"):
        StitchedNetwork(base, Stitching(stages=(3,)))
    with pytest.raises(ShapeError, match="`n_subspaces` must divide"):
        StitchedNetwork(base, Stitching(n_subspaces=3))(inputs("table"))
    shared = BranchedNetwork(equal_widths(), SharingTree.shared(TASKS.names, 2), TASKS)
    with pytest.raises(InputError, match="one network per task"):
        StitchedNetwork(shared, Stitching())
