"""Regions lie where the label stands, on every tree, and are those that captum finds."""

import sys

import captum.attr  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.networks import BranchedNetwork, MLPSpec, ResNetSpec, TaskNetwork, stages_of
from ramify.regions import (
    METHODS,
    GradCam,
    GuidedBackprop,
    GuidedGradCam,
    HiResCam,
    RegionMethod,
    activation_regions,
    task_path,
)
from ramify.tasks import Binary, Multiclass, Regression, SharingTree, Task, TaskSet

from ._planted import NAMES, SIZE, TREES, backbone, pictures, trained

every_tree = pytest.mark.parametrize("tree", TREES)


def both_patches() -> Tensor:
    """Pictures that have both, so that only the task decides what counts."""
    inputs, labels = pictures(40, seed=4)
    return inputs[labels.sum(dim=1) == 4]


def test_every_method_has_its_name() -> None:
    assert set(METHODS) == {
        each.name for each in (GradCam(), HiResCam(), GuidedGradCam(), GuidedBackprop())
    }


@every_tree
@pytest.mark.parametrize("stack", [True, False])
def test_the_way_of_a_task_computes_what_the_network_does(tree: str, stack: bool) -> None:
    network, (inputs, _) = trained(tree, stack=stack), pictures(9, seed=2)
    for t, name in enumerate(NAMES):
        assert_close(task_path(network, name)(inputs), network(inputs)[:, t].abs())


def test_the_score_of_classes_is_that_of_the_class_it_says() -> None:
    tasks = TaskSet([Task("a", Multiclass(("x", "y", "z"))), Task("b", Regression())])
    network = BranchedNetwork(backbone(), SharingTree.separate("ab", 3), tasks).eval()
    inputs, _ = pictures(5, seed=3)
    assert_close(task_path(network, "a")(inputs), network(inputs)[:, :3].amax(dim=1))
    assert_close(task_path(network, "b")(inputs), network(inputs)[:, 3])


@every_tree
def test_the_way_of_a_task_shares_no_memory_with_the_network(tree: str) -> None:
    network = trained(tree)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        for parameter in task_path(network, "left").parameters():
            parameter.zero_()
    for name, tensor in network.state_dict().items():
        assert_close(tensor, before[name])
    assert all(parameter.requires_grad for parameter in network.parameters())


@every_tree
def test_regions_lie_where_the_label_stands(tree: str) -> None:
    found = activation_regions(trained(tree), both_patches(), stage=1)
    on_left = found.maps[..., : SIZE // 2].sum(axis=(1, 2, 3)) / found.maps.sum(axis=(1, 2, 3))
    assert (on_left[:2] > 0.8).all()
    assert (on_left[2:] < 0.45).all()
    overlap = found.overlap(0.15, groups=[NAMES[:2], NAMES[2:]])
    assert overlap.iou[0, 1] > 0.35
    assert overlap.iou[:2, 2:].max() < 0.05
    assert overlap.of_iou is not None
    assert overlap.of_iou.low > 0


@every_tree
@pytest.mark.parametrize("method", [GuidedGradCam(), GuidedBackprop()])
def test_guided_maps_lean_to_where_the_label_stands(tree: str, method: RegionMethod) -> None:
    found = activation_regions(trained(tree), both_patches(), stage=1, method=method)
    on_left = found.maps[..., : SIZE // 2].sum(axis=(1, 2, 3)) / found.maps.sum(axis=(1, 2, 3))
    assert on_left[:2].min() > 0.53
    assert on_left[2:].max() < 0.5


def test_with_global_pooling_grad_cam_and_hires_cam_are_one() -> None:
    stages = [nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())]
    tasks = TaskSet([Task("a", Binary())])
    network = BranchedNetwork(stages, SharingTree.shared("a", 1), tasks).eval()
    inputs, _ = pictures(4, seed=14)
    cam = activation_regions(network, inputs, method=GradCam()).maps
    np.testing.assert_allclose(
        cam, activation_regions(network, inputs, method=HiResCam()).maps, rtol=1e-4, atol=1e-5
    )


def test_maps_are_those_of_captum() -> None:
    network, (inputs, _) = trained("shared"), pictures(6, seed=5)
    plain = nn.Sequential(*[b.copies[0] for b in network.branches()], nn.Flatten())
    head = nn.Linear(16, 1)
    head.weight.data, head.bias.data = network.heads.weight[:1], network.heads.bias[:1]
    whole = nn.Sequential(*plain, head).eval()
    sign = torch.sign(whole(inputs))[:, :, None, None]
    found = activation_regions(network, inputs, ["left"], stage=1, method=GradCam()).maps[0]
    for module in whole.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    cam = captum.attr.LayerGradCam(
        lambda x: whole(x) * sign[:, :, 0, 0], whole.get_submodule("1.1")
    )
    wanted = cam.attribute(inputs.clone().requires_grad_(), relu_attributions=True)
    wanted = captum.attr.LayerAttribution.interpolate(wanted, (SIZE, SIZE), "bilinear")[:, 0]
    scaled = wanted / wanted.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    np.testing.assert_allclose(found, scaled.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_grad_cam_is_its_formula_on_a_branch_of_its_own() -> None:
    network, (inputs, _) = trained("grouped"), pictures(3, seed=6)
    path = task_path(network, "right")
    conv, relu, flat = (path.get_submodule(f"1.{i}") for i in range(3))
    below = relu(conv(path[0](inputs))).detach().requires_grad_()
    path[3](path[2](flat(below))).sum().backward()
    assert below.grad is not None
    weights = below.grad.mean(dim=(2, 3), keepdim=True)
    cam = (weights * below).sum(dim=1, keepdim=True).relu()
    wanted = nn.functional.interpolate(cam, (SIZE, SIZE), mode="bilinear", align_corners=False)
    wanted = wanted / wanted.amax(dim=(2, 3), keepdim=True).clamp(min=1e-12)
    found = activation_regions(network, inputs, ["right"], stage=1, method=GradCam()).maps
    np.testing.assert_allclose(found[0], wanted[:, 0].detach().numpy(), rtol=1e-4, atol=1e-5)


def test_guided_backprop_is_that_of_captum() -> None:
    inputs, _ = pictures(3, seed=15)
    path = task_path(trained("grouped"), "left")
    with pytest.warns(UserWarning, match="backward hooks"):
        wanted = captum.attr.GuidedBackprop(path).attribute(inputs.clone().requires_grad_())
    wanted = wanted.abs().sum(dim=1)
    wanted = wanted / wanted.amax(dim=(1, 2), keepdim=True)
    found = activation_regions(trained("grouped"), inputs, ["left"], method=GuidedBackprop())
    np.testing.assert_allclose(found.maps[0], wanted.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_estimators_belong_to_the_way_of_a_task() -> None:
    tree = SharingTree.separate(NAMES, 4)
    network = BranchedNetwork(backbone(), tree, trained("shared").tasks, estimator=(5,)).eval()
    inputs, _ = pictures(3, seed=16)
    assert_close(task_path(network, "right")(inputs), network(inputs)[:, 2].abs())
    assert activation_regions(network, inputs).stage == 1


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_residual_networks_have_regions_too(method: RegionMethod, dtype: torch.dtype) -> None:
    tasks = TaskSet([Task("a", Binary()), Task("b", Binary())])
    stages = ResNetSpec(depth=18, width=4, stem="cifar").build((1, SIZE, SIZE))
    tree = SharingTree.separate("ab", len(stages_of(stages)))
    network = BranchedNetwork(stages, tree, tasks, n_features=32).to(dtype).eval()
    inputs = pictures(3, seed=17)[0].to(dtype)
    assert_close(task_path(network, "b")(inputs), network(inputs)[:, 1].abs())
    found = activation_regions(network, inputs, method=method)
    assert np.isfinite(found.maps).all()
    assert found.maps.min() >= 0
    assert found.maps.max() == 1
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_network_without_branches_says_which_have_them() -> None:
    class Other(TaskNetwork):
        kind = "other"

    Other.__abstractmethods__ = frozenset()
    with pytest.raises(InputError, match="need a network of branches"):
        task_path(Other(), "a")  # type: ignore[abstract]


def test_more_pictures_change_no_map() -> None:
    inputs, _ = pictures(70, seed=7)
    many = activation_regions(trained("grouped"), inputs).maps
    few = activation_regions(trained("grouped"), inputs[65:]).maps
    np.testing.assert_allclose(many[:, 65:], few, rtol=1e-4, atol=1e-5)


def test_the_last_stage_with_places_is_looked_at() -> None:
    inputs, _ = pictures(2, seed=8)
    assert activation_regions(trained("shared"), inputs).stage == 1


def test_what_goes_into_a_global_pool_is_looked_at() -> None:
    stages = [nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())]
    tasks = TaskSet([Task("a", Binary())])
    network = BranchedNetwork(stages, SharingTree.shared("a", 1), tasks).eval()
    assert activation_regions(network, pictures(2, seed=9)[0]).maps.max() > 0


def test_a_map_without_evidence_is_0_and_no_pair_of_it_counts() -> None:
    network = BranchedNetwork(backbone(), TREES["shared"], trained("shared").tasks).eval()
    with torch.no_grad():
        network.heads.weight[0] = 0
    found = activation_regions(network, pictures(4, seed=10)[0], stage=1)
    assert not found.maps[0].any()
    overlap = found.overlap()
    assert np.isnan(overlap.iou[0]).all()
    assert np.isnan(overlap.correlation[0]).all()
    assert not overlap.n_images[0].any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"images": torch.zeros(0, 1, SIZE, SIZE)}, "`images` must be one picture or more"),
        ({"images": torch.zeros(SIZE, SIZE)}, "`images` must be one picture or more"),
        ({"stage": 2}, "must be one of the first 2 stages"),
        ({"stage": -1}, "must be one of the first 2 stages"),
        ({"stage": 9}, "must be one of the first 2 stages"),
        ({"tasks": ["<script>"]}, "`tasks` must be of"),
        ({"tasks": []}, "`tasks` must name one task or more"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: dict[str, object], words: str) -> None:
    given = {"images": pictures(2, seed=11)[0]} | arguments
    with pytest.raises(InputError, match=words) as caught:
        activation_regions(trained("shared"), **given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_network_without_places_says_so() -> None:
    tasks = TaskSet([Task("a", Binary())])
    stages = [nn.Flatten(), *MLPSpec(hidden=(4,)).build((SIZE * SIZE,))]
    network = BranchedNetwork(nn.Sequential(*stages), SharingTree.shared("a", 1), tasks).eval()
    with pytest.raises(InputError, match="no stage of the network keeps the places"):
        activation_regions(network, pictures(2, seed=12)[0])


def test_without_captum_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(InputError, match=r"pip install 'ramify\[regions\]'"):
        activation_regions(trained("shared"), pictures(2, seed=13)[0])
