import pytest
import torch
from torch import nn

from ramify._core import InputError
from ramify.networks import (
    BranchedNetwork,
    Residual,
    feature_width,
    mlp,
    resnet,
    stages_of,
    vgg16,
)
from ramify.networks.backbones._stages import n_halvings
from ramify.tasks import Binary, SharingTree, Task, TaskSet


def names(backbone: nn.Sequential | list[nn.Module]) -> list[list[str]]:
    return [
        [type(m).__name__ for m in (part if type(part) is nn.Sequential else [part])]
        for part in stages_of(backbone)
    ]


def test_what_has_no_weights_belongs_to_the_stage_before() -> None:
    backbone = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2)
    )
    assert names(backbone) == [["Conv2d", "ReLU", "MaxPool2d", "Flatten"], ["Linear"]]


def test_a_normalisation_belongs_to_the_stage_before() -> None:
    backbone = [nn.Linear(2, 2), nn.BatchNorm1d(2), nn.ReLU(), nn.Linear(2, 2), nn.LayerNorm(2)]
    assert names(backbone) == [["Linear", "BatchNorm1d", "ReLU"], ["Linear", "LayerNorm"]]


def test_what_comes_before_all_weights_belongs_to_the_first_stage() -> None:
    backbone = [nn.Flatten(), nn.Dropout(0.1), nn.LayerNorm(2), nn.Linear(2, 2), nn.ReLU()]
    assert names(backbone) == [["Flatten", "Dropout", "LayerNorm", "Linear", "ReLU"]]


def test_an_inner_sequential_and_a_residual_are_stages_as_they_stand() -> None:
    inner = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    residual = Residual(nn.Linear(2, 2))
    assert stages_of([inner, residual]) == [inner, residual]


def test_all_stages_together_are_the_backbone() -> None:
    backbone = nn.Sequential(
        nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.Tanh(), nn.Dropout(), nn.Linear(3, 2)
    ).eval()
    x = torch.randn(5, 4)
    y = x
    for part in stages_of(backbone):
        y = part(y)
    assert torch.equal(y, backbone(x))


@pytest.mark.boundary
def test_refuses_a_module_that_is_no_list() -> None:
    with pytest.raises(InputError, match="Got Linear; list its stages"):
        stages_of(nn.Linear(2, 2))  # type: ignore[arg-type]  # on purpose


@pytest.mark.boundary
def test_refuses_what_is_no_module() -> None:
    with pytest.raises(InputError, match="Got an element of type builtin_function_or_method"):
        stages_of([nn.Linear(2, 2), torch.relu])  # type: ignore[list-item]  # on purpose


@pytest.mark.parametrize("backbone", [[], [nn.ReLU(), nn.Flatten()], [nn.LayerNorm(3)]])
def test_refuses_a_backbone_without_weights(backbone: list[nn.Module]) -> None:
    with pytest.raises(InputError, match="at least one layer with weights"):
        stages_of(backbone)


def test_the_feature_width_is_told_by_the_last_linear_of_the_last_stage() -> None:
    assert feature_width([nn.Linear(3, 5), nn.Sequential(nn.Linear(5, 7), nn.ReLU())]) == 7
    with pytest.raises(InputError, match="`n_features` must be given"):
        feature_width([nn.Linear(3, 5), nn.Conv2d(1, 2, 3)])


def test_or_by_the_last_convolution_under_a_global_pool() -> None:
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    assert feature_width([nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 5, 3), *pooled)]) == 5
    assert feature_width(list(resnet(18, width=4))) == 32
    with pytest.raises(InputError, match="`n_features` must be given"):
        feature_width([nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(2))])


def test_halvings_count_pools_and_steps_but_not_parallel_ones_twice() -> None:
    assert [n_halvings(stage) for stage in stages_of(vgg16(width=4))] == [
        *(0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0)
    ]
    assert [n_halvings(stage) for stage in resnet(18, width=4)] == [2, 0, 0, 1, 0, 1, 0, 1, 0]
    assert n_halvings(Residual(nn.Conv1d(3, 3, 3, stride=2))) == 1
    assert n_halvings(nn.Sequential(nn.AvgPool2d((2, 4)), nn.MaxPool2d(2))) == 3


def test_the_feature_width_can_be_given() -> None:
    tasks = TaskSet([Task("a", Binary()), Task("b", Binary())])
    backbone = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(2))
    for tree in (SharingTree.shared("ab", 1), SharingTree.separate("ab", 1)):
        network = BranchedNetwork(backbone, tree, tasks, n_features=8)
        assert network(torch.zeros(3, 1, 6, 6)).shape == (3, 2)


def test_the_built_in_backbone_has_a_stage_per_width() -> None:
    assert len(stages_of(mlp(10, (8, 8, 4)))) == 3
    assert isinstance(mlp(10, (8, 8))[1], Residual)
    assert not isinstance(mlp(10, (8, 4))[1], Residual)


@pytest.mark.parametrize(
    ("n_inputs", "hidden", "message"),
    [(0, (4,), "1 or more"), (4, (), "at least one width"), (4, (4, 0), "1 or more")],
)
def test_the_built_in_backbone_refuses_widths_below_one(
    n_inputs: int, hidden: tuple[int, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        mlp(n_inputs, hidden)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_the_built_in_backbone_refuses_a_dropout_out_of_range(share: float) -> None:
    with pytest.raises(InputError, match="`dropout` must be 0 or more and below 1"):
        mlp(4, dropout=share)
    with pytest.raises(InputError, match="`input_dropout` must be 0 or more and below 1"):
        mlp(4, input_dropout=share)
