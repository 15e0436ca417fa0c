import pytest
import torch
from tests.settings import DEVICE, DTYPE
from torch import Tensor, nn
from torch.nn import functional
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.networks import BranchedNetwork, cnn, stages_of
from ramify.networks.architectures._attention import AttentionNetwork, AttentionUnit
from ramify.tasks import Binary, SharingTree, Task, TaskSet

from ._columns import BACKBONES, TASKS, inputs

every_backbone = pytest.mark.parametrize("backbone", BACKBONES)


def built(backbone: str, tasks: TaskSet = TASKS) -> AttentionNetwork:
    torch.manual_seed(0)
    network = AttentionNetwork(BACKBONES[backbone](), tasks, hidden=3).to(DEVICE, DTYPE)
    with torch.no_grad():
        for i, parameter in enumerate(network.units.parameters()):
            generator = torch.Generator().manual_seed(i)
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return network.eval()


def looped(network: AttentionNetwork, x: Tensor) -> Tensor:
    """Task by task, with convolutions of 1 × 1 on maps."""
    outputs = []
    of_column = torch.tensor(network.tasks.task_of_column)
    for t in range(len(network.tasks)):
        shared, attended = x, None
        for stage, unit in zip(network.stages, network.units, strict=True):
            assert isinstance(unit, AttentionUnit)
            shared = stage(shared)
            assert unit.gather.bias is not None
            assert unit.mask.bias is not None
            hidden = _pointwise(shared, unit.gather.weight[t], unit.gather.bias[t])
            if unit.previous is not None:
                assert attended is not None
                if attended.ndim == 4:
                    size = shared.shape[2:] if shared.ndim == 4 else (1, 1)
                    attended = functional.adaptive_avg_pool2d(attended, size)
                    attended = attended if shared.ndim == 4 else attended.flatten(1)
                hidden = hidden + _pointwise(attended, unit.previous.weight[t], None)
            mask = _pointwise(hidden.relu(), unit.mask.weight[t], unit.mask.bias[t])
            attended = 2 * mask.sigmoid() * shared
        assert attended is not None
        rows = of_column == t
        outputs.append(attended @ network.heads.weight[rows].T + network.heads.bias[rows])
    return torch.cat(outputs, dim=1)


def _pointwise(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if x.ndim == 4:
        return functional.conv2d(x, weight[:, :, None, None], bias)
    return functional.linear(x, weight, bias)


@every_backbone
def test_is_the_loop_over_tasks(backbone: str) -> None:
    network = built(backbone)
    x = inputs(backbone)
    assert_close(network(x), looped(network, x), rtol=1e-9, atol=1e-11)


@every_backbone
def test_starts_as_hard_sharing_bit_for_bit(backbone: str) -> None:
    torch.manual_seed(0)
    base = BACKBONES[backbone]()
    n_stages = 2 if backbone == "equal widths" else 3
    torch.manual_seed(1)
    shared = BranchedNetwork(base, SharingTree.shared(TASKS.names, n_stages), TASKS)
    torch.manual_seed(1)
    network = AttentionNetwork(base, TASKS)
    x = inputs(backbone).float()
    for task in range(3):
        assert torch.equal(network.features(x)[task], shared.features(x)[0])
    assert_close(network(x), shared(x))


@pytest.mark.parametrize("shape", [(1, 2, 4), (1, 2, 4, 2, 2)])
def test_a_unit_passes_the_gradient_check(shape: tuple[int, ...]) -> None:
    unit = AttentionUnit(3, 4, 2, 5).double()
    for parameter in unit.parameters():
        parameter.data.normal_()
    shared = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    before = torch.randn(3, 2, 2, *(4,) * (len(shape) - 3), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(unit, (shared, before))


def test_no_gradient_of_a_task_reaches_what_others_own() -> None:
    network = built("image")
    network(inputs("image"))[:, 0].sum().backward()
    for tensor, owners in network.owned_weights():
        assert tensor.grad is not None
        assert not tensor.grad[~owners[:, 0]].any()
        assert tensor.grad[owners[:, 0]].any()
    assert network.components.tolist() == [0, 0, 0]


def test_a_single_task_attends_too() -> None:
    network = built("table", TaskSet([Task("only", Binary())]))
    assert_close(network(inputs("table")), looped(network, inputs("table")))


def test_hostile_arguments_are_named() -> None:
    with pytest.raises(InputError, match=r"`hidden` must be 1 or more. Got 0"):
        AttentionNetwork(BACKBONES["table"](), TASKS, hidden=0)
    late = [
        nn.Conv2d(2, 3, 1),
        nn.Sequential(nn.AdaptiveMaxPool2d((1, 2)), nn.Flatten(), nn.Linear(6, 4)),
    ]
    with pytest.raises(ShapeError, match="flatten or reshape at the end of a stage"):
        AttentionNetwork(late, TASKS)(torch.zeros(5, 2, 2, 2))
    with pytest.raises(
        InputError, match=r"nn.Linear, a convolution or a recurrent layer in every stage"
    ):
        AttentionNetwork([nn.Linear(6, 4), nn.Bilinear(4, 4, 4)], TASKS, n_features=4)


def test_maps_that_the_next_stage_flattens_are_attended_to_as_features() -> None:
    first, second, dense = stages_of(cnn((4, 6), (8,), input_size=(16, 16)))
    assert isinstance(dense, nn.Sequential)
    images = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    outputs = []
    for stages in ([first, second, dense], [first, nn.Sequential(second, nn.Flatten()), dense[1:]]):
        torch.manual_seed(0)
        network = AttentionNetwork(stages, TASKS).to(DEVICE, DTYPE)
        nn.init.ones_(network.units.get_parameter("1.mask.weight"))
        outputs.append(network(images.to(DEVICE, DTYPE)))
    assert_close(outputs[0], outputs[1])
