import pytest
import torch
from torch import nn

from ramify._core import InputError
from ramify.networks import (
    BranchedNetwork,
    feature_width,
    mlp,
    n_parameters,
    n_weights,
    stages_of,
    vgg16,
)
from ramify.tasks import Binary, SharingTree, Task, TaskSet


@pytest.mark.parametrize(
    ("n_tasks", "width", "published"),
    [(40, None, 134_411_968), (50, None, 134_452_928), (40, 32, 218_464), (40, 64, 867_008)],
)
def test_has_as_many_weights_as_published(n_tasks: int, width: int | None, published: int) -> None:
    with torch.device("meta"):
        assert n_weights(vgg16(n_tasks, width)) == published


def test_weights_are_counted_alike_however_branches_run() -> None:
    tasks = TaskSet([Task(name, Binary()) for name in "abc"])
    tree = SharingTree.separate("abc", 2)
    backbone = mlp(4, (5, 5))
    for stack in (False, True):
        network = BranchedNetwork(backbone, tree, tasks, stack=stack)
        assert n_weights(network) == 3 * (4 * 5 + 5 * 5) + 3 * 5
    assert n_weights(network) < n_parameters(network)


@pytest.mark.parametrize(
    ("size", "left"), [(28, 1), (32, 1), (33, 4), (48, 4), (224, 49), (1, 1), ((64, 33), 4)]
)
def test_the_first_dense_layer_takes_what_the_pools_leave(
    size: int | tuple[int, int], left: int
) -> None:
    network = vgg16(3, 4, input_size=size, in_channels=2).eval()
    height, breadth = (size, size) if isinstance(size, int) else size
    assert network(torch.zeros(1, 2, height, breadth)).shape == (1, 3)
    assert network.get_submodule("13.1").in_features == 4 * left


def test_is_a_backbone_of_fifteen_stages_that_a_tree_divides() -> None:
    backbone = vgg16(width=4, input_size=28, in_channels=1)
    assert len(stages_of(backbone)) == 15
    assert feature_width(stages_of(backbone)) == 8
    tasks = TaskSet([Task(name, Binary()) for name in "ab"])
    shared = BranchedNetwork(backbone, SharingTree.shared("ab", 15), tasks).eval()
    x = torch.randn(2, 1, 28, 28)
    divided = shared.widen(14, [["a"], ["b"]]).widen(13, [["a"], ["b"]])
    torch.testing.assert_close(divided(x), shared(x))


def test_pools_end_the_stages_that_the_paper_names() -> None:
    layers = vgg16(width=2).named_modules()
    pooled = [name.split(".")[0] for name, layer in layers if isinstance(layer, nn.MaxPool2d)]
    assert pooled == ["1", "3", "6", "9", "12"]


def test_the_papers_norm_has_no_scale_and_keeps_a_share_of_095() -> None:
    paper = vgg16(width=2, affine=False).modules()
    norms = [m for m in paper if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert [(norm.affine, norm.momentum) for norm in norms] == [(False, 0.05)] * 15
    assert not [m for m in vgg16(width=2, batch_norm=False).modules() if hasattr(m, "eps")]


def test_signals_keep_their_size_from_stage_to_stage_without_norm() -> None:
    x = torch.randn(4, 3, 32, 32)
    for stage in list(vgg16(width=64, input_size=32, batch_norm=False))[:13]:
        x = stage(x)
        assert 0.3 < x.square().mean().sqrt() < 10


@pytest.mark.parametrize(
    ("argument", "number"),
    [
        *(("width", number) for number in (0, -1, 2.5, 32.0, True, "32", float("nan"))),
        *(("n_tasks", number) for number in (0, "a", 1.5)),
        *(
            ("input_size", number)
            for number in (0, 2.5, "32", None, (28, 0), (28, 2.5), (28, "28"))
        ),
        ("in_channels", -1),
    ],
)
def test_numbers_are_whole_ones_from_one_up(argument: str, number: object) -> None:
    with pytest.raises(InputError, match=f"`{argument}` must be a whole number of at least 1. Got"):
        vgg16(**{argument: number})  # type: ignore[arg-type]


def test_a_size_has_two_sides() -> None:
    with pytest.raises(InputError, match=r"`input_size` must be a height and a width.*Got \(28,\)"):
        vgg16(width=4, input_size=(28,))  # type: ignore[arg-type]
