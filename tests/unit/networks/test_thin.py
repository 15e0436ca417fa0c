import copy
from collections.abc import Callable

import pytest
import torch
from tests.references import somp as reference
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.networks import (
    BasicBlock,
    Residual,
    cnn,
    fold_batch_norms,
    low_rank,
    mlp,
    resnet,
    somp,
    stages_of,
    thin_from,
    thin_like,
    vgg16,
)

IMAGE = (1, 16, 16)


def flat() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(3)),
        *(nn.Flatten(), nn.Linear(108, 20), nn.BatchNorm1d(20, affine=False), nn.ReLU()),
        *(nn.Dropout(), nn.Linear(20, 16)),
    )


def norms_of_what_was_flattened() -> nn.Sequential:
    return nn.Sequential(
        *(nn.BatchNorm2d(1), nn.Conv2d(1, 6, 4, stride=4), nn.Flatten(), nn.BatchNorm1d(96)),
        *(nn.Linear(96, 10), nn.LayerNorm(10), nn.ReLU()),
    )


def nested_sums() -> nn.Sequential:
    inner = nn.Sequential(nn.Conv2d(8, 8, 1), Residual(nn.Conv2d(8, 8, 1)), nn.BatchNorm2d(8))
    there_and_back = Residual(nn.Sequential(BasicBlock(8, 12), BasicBlock(12, 8), nn.ReLU()))
    block = nn.Sequential(nn.Conv2d(1, 8, 3), Residual(inner), there_and_back, BasicBlock(8, 8))
    return nn.Sequential(block, BasicBlock(8, 12), nn.AdaptiveAvgPool2d(1), nn.Flatten())


BACKBONES: dict[str, Callable[[], nn.Sequential]] = {
    "flat": flat,
    "norms of what was flattened": norms_of_what_was_flattened,
    "nested sums": nested_sums,
    "mlp": lambda: nn.Sequential(nn.Flatten(), *mlp(256, (24, 24, 12))),
    "cnn": lambda: cnn((4, 6), (8, 6), input_size=(16, 16)),
    "vgg": lambda: vgg16(width=12, input_size=16, in_channels=1),
    "vgg without norm": lambda: vgg16(width=12, input_size=16, in_channels=1, batch_norm=False),
    "vgg of low rank": lambda: low_rank(vgg16(width=12, input_size=16, in_channels=1), [5] * 15),
    "resnet": lambda: resnet(18, stem="cifar", width=6, in_channels=1),
    "resnet with a large stem": lambda: resnet(34, width=6, in_channels=1),
}
every_backbone = pytest.mark.parametrize("build", BACKBONES.values(), ids=BACKBONES)


@torch.no_grad()
def stirred(network: nn.Sequential) -> nn.Sequential:
    """Statistics and scales as after some training."""
    for module in network.modules():
        if hasattr(module, "eps"):
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.is_floating_point():
                    tensor.add_(torch.rand(tensor.shape))
    return network.double().eval()


@every_backbone
def test_keeps_stages_and_widths(build: Callable[[], nn.Sequential]) -> None:
    wide = stirred(build())
    thin = thin_from(wide, 4)
    assert len(stages_of(thin)) == len(stages_of(wide))
    assert torch.isfinite(thin(torch.randn(2, *IMAGE).double())).all()
    for layer in thin.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.out_channels == layer.weight.shape[0] <= 4
        elif isinstance(layer, nn.Linear):
            assert layer.out_features == layer.weight.shape[0] <= 8
    assert not thin.training
    assert next(iter(thin.children())).training == next(iter(wide.children())).training


@every_backbone
def test_of_full_width_is_the_same_network(build: Callable[[], nn.Sequential]) -> None:
    wide, x = stirred(build()), torch.randn(2, *IMAGE).double()
    thin = thin_from(wide, 1000)
    assert torch.equal(thin(x), wide(x))
    for parameter in thin.parameters():
        nn.init.zeros_(parameter)
    assert not torch.equal(thin(x), wide(x))


@torch.no_grad()
def copied_twice(network: nn.Sequential) -> nn.Sequential:
    """Twice as wide: a dead filter behind every filter of every layer that can have one."""
    wide = copy.deepcopy(network)
    for layer in (m for m in wide.modules() if isinstance(m, nn.Conv2d | nn.Linear)):
        weight = layer.weight
        if weight.shape[1] > 1:
            weight = nn.Parameter(torch.cat([weight, torch.zeros_like(weight)], dim=1))
        layer.weight = nn.Parameter(torch.cat([weight, torch.zeros_like(weight)]))
        if layer.bias is not None:
            layer.bias = nn.Parameter(torch.cat([layer.bias, torch.zeros_like(layer.bias)]))
    for norm in (m for m in wide.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.num_features *= 2
        for name, tensor in [*norm.named_parameters(), *norm.named_buffers()]:
            if tensor.ndim == 1:
                both = torch.cat([tensor, torch.zeros_like(tensor)])
                both = nn.Parameter(both) if isinstance(tensor, nn.Parameter) else both
                setattr(norm, name, both)
    return wide


def independent() -> nn.Sequential:
    """Every layer has fewer filters than weights per filter, so that none can be left out."""
    return nn.Sequential(
        *(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), BasicBlock(5, 5), BasicBlock(5, 7)),
        *(BasicBlock(7, 7), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        *(nn.Linear(28, 9), nn.ReLU(), Residual(nn.Linear(9, 9))),
    )


def test_filters_that_are_dead_are_left_out_and_nothing_is_lost() -> None:
    network, x = stirred(independent()), torch.randn(2, *IMAGE).double()
    wide = copied_twice(network)
    thin = thin_like(wide, network)
    last = thin.get_submodule("11.inner").get_parameter("weight")
    assert_close(thin(x).sort().values, network(x).sort().values)
    assert last.shape == (9, 9)


def test_selects_as_the_reference_does_from_the_input_up() -> None:
    wide = nn.Sequential(
        *(nn.Conv2d(2, 20, 3), nn.ReLU(), nn.Conv2d(20, 30, 3), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(30 * 4, 40), nn.ReLU()),
    ).double()
    first, second, third = (w.detach().numpy() for w in wide.parameters() if w.ndim > 1)
    one = reference.somp(first.reshape(20, -1), 6)
    two = reference.somp(second[:, one].reshape(30, -1), 6)
    of_flat = third.reshape(40, 30, 4)[:, two].reshape(40, -1)
    three = reference.somp(of_flat, 12)
    weights = [w.detach() for w in thin_from(wide, 6).parameters()]
    assert torch.equal(weights[0], torch.tensor(first[one]))
    assert torch.equal(weights[2], torch.tensor(second[two][:, one]))
    assert torch.equal(weights[4], torch.tensor(of_flat[three]))
    biases = [b.detach() for b in wide.parameters() if b.ndim == 1]
    for thin, bias, rows in zip(weights[1::2], biases, (one, two, three), strict=True):
        assert torch.equal(thin, bias[rows])


def test_the_length_of_a_filter_does_not_count_where_a_norm_follows() -> None:
    wide = stirred(nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU()))
    longer = copy.deepcopy(wide)
    layer, norm = longer.get_submodule("0"), longer.get_submodule("1")
    factor = torch.logspace(-2, 2, 9).double()
    with torch.no_grad():
        layer.get_parameter("weight").mul_(factor[:, None])
        layer.get_parameter("bias").mul_(factor)
        variance = norm.get_buffer("running_var")
        variance.copy_((variance + 1e-5) * factor.square() - 1e-5)
        norm.get_buffer("running_mean").mul_(factor)
    x = torch.randn(4, 6).double()
    assert_close(longer(x), wide(x))
    assert_close(thin_from(longer, 2)(x), thin_from(wide, 2)(x))


def test_both_paths_of_a_block_are_judged_as_one_filter() -> None:
    block = BasicBlock(3, 8, stride=2)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_()
    thin = thin_from(nn.Sequential(block.eval()), 3)[0]
    assert isinstance(thin, BasicBlock)
    inside = somp(_folded(block.conv1, block.bn1), 3)
    convolution, norm = block.shortcut.children()
    both = torch.cat([_folded(block.conv2, block.bn2, inside), _folded(convolution, norm)], dim=1)
    rows = somp(both, 3)
    assert torch.equal(thin.conv2.weight, block.conv2.weight[rows][:, inside])
    assert torch.equal(thin.get_parameter("shortcut.0.weight"), convolution.weight[rows])  # type: ignore[index]
    assert torch.equal(thin.bn2.weight, block.bn2.weight[rows])


def _folded(layer: nn.Module, norm: nn.Module, inputs: Tensor | None = None) -> Tensor:
    folded = fold_batch_norms(nn.Sequential(layer, norm)).get_parameter("0.weight").detach()
    return (folded if inputs is None else folded[:, inputs]).flatten(1)


def test_the_seed_decides_what_fills_the_places_that_are_left() -> None:
    wide = nn.Sequential(nn.Conv2d(1, 40, 2))
    starts = [
        thin_from(wide, 20, generator=torch.Generator().manual_seed(seed))[0] for seed in (0, 0, 1)
    ]
    weights = [start.get_parameter("weight") for start in starts]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_frozen_layers_stay_frozen_and_the_wide_network_is_left_alone() -> None:
    wide = flat()
    before = {name: tensor.clone() for name, tensor in wide.state_dict().items()}
    wide[0].requires_grad_(False)
    thin = thin_from(wide, 3)
    assert [p.requires_grad for p in thin.parameters()] == [
        p.requires_grad for p in wide.parameters()
    ]
    assert all(torch.equal(before[name], now) for name, now in wide.state_dict().items())


@pytest.mark.parametrize("width", [3, 7])
def test_thin_like_a_network_that_is_narrower_by_a_factor(width: int) -> None:
    wide = stirred(resnet(18, stem="cifar", width=8, in_channels=1))
    narrow = resnet(18, stem="cifar", width=width, in_channels=1).double()
    thin = thin_like(wide, narrow)
    narrow.load_state_dict(thin.state_dict())
    x = torch.randn(2, *IMAGE).double()
    assert torch.equal(narrow.eval()(x), thin(x))


@pytest.mark.boundary
def test_thin_like_refuses_what_is_not_alike() -> None:
    wide = vgg16(width=4, input_size=32)
    with pytest.raises(InputError, match=r"the same order\. Got 20 for 15"):
        thin_like(wide, resnet(width=2))
    with pytest.raises(InputError, match=r"no layer that is wider.* Got 5 for 4 filters"):
        thin_like(wide, vgg16(width=5, input_size=32))
    with pytest.raises(ShapeError, match=r"Got \(4, 8\) where '13.1.weight' is \(4, 2\); build"):
        thin_like(wide, vgg16(width=2, input_size=64))
    with pytest.raises(ShapeError, match="build both with the same norms"):
        thin_like([nn.Linear(2, 2)], [nn.Linear(2, 2), nn.LayerNorm(2)])


@pytest.mark.boundary
@pytest.mark.parametrize(
    ("wide", "message"),
    [
        ([nn.Conv2d(4, 4, 1, groups=2)], r"no grouped convolution\. Got one with 2 groups"),
        ([nn.Linear(4, 6), nn.GroupNorm(2, 6)], r"layers without weights\. Got GroupNorm"),
        ([nn.LSTM(3, 4)], r"a convolution or dense layer\. Got none"),
        ([nn.Linear(4, 6), nn.Linear(8, 6)], r"has a multiple of 6 inputs\. Got 8"),
        ([nn.Conv2d(1, 6, 1), nn.LayerNorm((6, 2, 2))], r"over one axis only\. Got one over"),
        ([nn.ReLU()], r"a convolution or dense layer\. Got none"),
    ],
)
def test_refuses_what_it_cannot_thin(wide: list[nn.Module], message: str) -> None:
    with pytest.raises(InputError, match=message):
        thin_from(wide, 2)


def test_refuses_a_width_below_one() -> None:
    with pytest.raises(InputError, match=r"`width` must be 1 or more\. Got 0"):
        thin_from(flat(), 0)
