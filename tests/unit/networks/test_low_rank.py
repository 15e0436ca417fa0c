from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.networks import VGG16_RANKS, low_rank, mlp, n_weights, resnet, stages_of, vgg16


def convolutions() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(2, 5, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(5), nn.ReLU()),
        *(nn.Conv2d(5, 4, (2, 3), dilation=2, padding_mode="circular", padding=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)),
    )


BACKBONES: dict[str, tuple[Callable[[], nn.Sequential], tuple[int, ...]]] = {
    "mlp": (lambda: mlp(98, (8, 8)), (98,)),
    "convolutions": (convolutions, (2, 7, 7)),
    "resnet": (lambda: resnet(18, stem="cifar", width=2, in_channels=1), (1, 8, 8)),
}
every_backbone = pytest.mark.parametrize(("build", "shape"), BACKBONES.values(), ids=BACKBONES)


def full_ranks(network: nn.Module) -> list[int]:
    return [min(w.flatten(1).shape) for w in network.parameters() if w.ndim > 1]


def test_has_as_many_weights_as_published() -> None:
    with torch.device("meta"):
        assert n_weights(low_rank(vgg16(40), (*VGG16_RANKS, 16))) == 4_523_352


@every_backbone
def test_of_full_rank_computes_the_same_in_as_many_stages(
    build: Callable[[], nn.Sequential], shape: tuple[int, ...]
) -> None:
    network = build().double().eval()
    factorised = low_rank(network, full_ranks(network))
    x = torch.randn(3, *shape).double()
    assert_close(factorised(x), network(x))
    assert len(stages_of(factorised)) == len(stages_of(network))
    assert not factorised.training


@every_backbone
def test_of_rank_one_is_smaller(build: Callable[[], nn.Sequential], shape: tuple[int, ...]) -> None:
    network = build().eval()
    thin = low_rank(network, [1] * len(full_ranks(network)))
    assert n_weights(thin) < n_weights(network)
    assert thin(torch.randn(2, *shape)).shape == network(torch.randn(2, *shape)).shape


def test_a_layer_is_its_best_approximation_and_keeps_its_bias() -> None:
    layer = nn.Linear(7, 5).double()
    (pair,) = low_rank([layer], [2])
    product = pair(torch.eye(7).double()) - layer.bias
    sizes = torch.linalg.svdvals(layer.weight.detach())
    error = torch.linalg.matrix_norm(product.T - layer.weight)
    assert_close(error, sizes[2:].norm(), rtol=1e-10, atol=0)
    assert_close(pair(torch.zeros(1, 7).double())[0], layer.bias)


@pytest.mark.parametrize("shape", [(7, 5), (5, 7)])
def test_a_layer_of_lower_rank_than_asked_for_is_kept(shape: tuple[int, int]) -> None:
    layer = nn.Linear(*shape, bias=False).double()
    nn.init.zeros_(layer.weight)
    for _ in range(2):  # all zero first, then of rank 1
        (pair,) = low_rank([layer], [4])
        product = pair(torch.eye(shape[0]).double()).T
        assert_close(product, layer.weight.detach())
        nn.init.ones_(layer.weight)


def test_the_two_factors_have_equal_size() -> None:
    (pair,) = low_rank([nn.Conv2d(3, 8, 3)], [4])
    basis, mixture = (w for w in pair.parameters() if w.ndim > 1)
    assert_close(basis.flatten(1).norm(dim=1), mixture.flatten(1).norm(dim=0))


def test_draws_no_random_numbers_and_leaves_the_backbone_alone() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    before = torch.get_rng_state()
    thin = low_rank(network, [4])
    assert torch.equal(torch.get_rng_state(), before)
    for parameter in thin.parameters():
        nn.init.zeros_(parameter)
    assert network.get_submodule("0").get_parameter("weight").abs().min() > 0


@pytest.mark.parametrize(
    ("layer", "ranks", "message"),
    [
        (nn.Linear(4, 3), [2, 2], r"one entry per convolution and dense layer, 1\. Got 2"),
        (nn.Linear(4, 3), [4], r"from 1 to 3 for layer '0'\. Got 4"),
        (nn.Conv2d(1, 9, 2), [0], r"from 1 to 4 for layer '0'\. Got 0"),
        (nn.Conv2d(4, 4, 2, groups=2), [1], r"no grouped convolution\. Got 2 groups in layer '0'"),
    ],
)
def test_refuses_what_it_cannot_factorise(layer: nn.Module, ranks: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        low_rank([layer], ranks)
