import pytest
import torch

from ramify._core import InputError
from ramify.networks import BasicBlock, BranchedNetwork, Residual, n_weights, resnet, stages_of
from ramify.networks.backbones._resnet import Depth, Stem
from ramify.tasks import Binary, SharingTree, Task, TaskSet


@pytest.mark.parametrize(("depth", "n_stages"), [(18, 9), (34, 17)])
@pytest.mark.parametrize(("stem", "size"), [("cifar", 28), ("imagenet", 28), ("imagenet", 50)])
def test_is_a_backbone_with_a_stage_per_block(
    depth: Depth, n_stages: int, stem: Stem, size: int
) -> None:
    backbone = resnet(depth, stem=stem, width=2, in_channels=1)
    assert len(stages_of(backbone)) == n_stages
    tasks = TaskSet([Task(name, Binary()) for name in "ab"])
    tree = SharingTree.shared("ab", n_stages)
    shared = BranchedNetwork(backbone, tree, tasks, n_features=16).eval()
    x = torch.randn(2, 1, size, size)
    divided = shared.widen(n_stages - 1, [["a"], ["b"]])
    torch.testing.assert_close(divided(x), shared(x))


@pytest.mark.parametrize(("depth", "published"), [(18, 11_689_512), (34, 21_797_672)])
def test_has_as_many_parameters_as_published(depth: Depth, published: int) -> None:
    with torch.device("meta"):
        backbone = resnet(depth)
    assert sum(p.numel() for p in backbone.parameters()) + 512 * 1000 + 1000 == published
    norms = [m for m in backbone.modules() if hasattr(m, "eps")]
    in_norms = sum(p.numel() for m in norms for p in m.parameters())
    assert n_weights(backbone) == published - 513_000 - in_norms


def test_a_block_of_zero_weights_passes_positive_inputs_on() -> None:
    block = BasicBlock(3, 3).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.rand(2, 3, 5, 5)
    assert torch.equal(block(x), x)
    inner = torch.nn.Sequential(block.conv1, block.bn1, block.relu, block.conv2, block.bn2)
    torch.testing.assert_close(Residual(inner)(x), x)


def test_refuses_what_it_does_not_know() -> None:
    with pytest.raises(InputError, match=r"`depth` must be one of 18 and 34. Got 50"):
        resnet(50)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"`stem` must be 'cifar' or 'imagenet'. Got 'mnist'"):
        resnet(stem="mnist")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"`width` must be a whole number of at least 1. Got 0"):
        resnet(width=0)
