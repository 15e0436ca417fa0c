from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from ramify.networks import (
    BasicBlock,
    BranchedNetwork,
    Residual,
    fold_batch_norms,
    resnet,
    stages_of,
    vgg16,
)
from ramify.tasks import Binary, SharingTree, Task, TaskSet

IMAGES = (2, 1, 28, 28)


def flat() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4, affine=False), nn.ReLU()),
        *(nn.Conv2d(4, 4, 3, groups=2), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        *(nn.Linear(16, 6), nn.BatchNorm1d(6), nn.ReLU()),
    )


def nested() -> nn.Sequential:
    inner = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
    low_rank = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.Conv2d(2, 4, 1))
    return nn.Sequential(
        nn.Sequential(low_rank, nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(Residual(inner), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(4, 6),
    )


BACKBONES: dict[str, Callable[[], nn.Sequential]] = {
    "flat": flat,
    "nested": nested,
    "vgg": lambda: vgg16(width=3, in_channels=1, input_size=28),
    "vgg of the paper": lambda: vgg16(width=3, in_channels=1, input_size=28, affine=False),
    "resnet": lambda: resnet(18, stem="cifar", width=2, in_channels=1),
}
every_backbone = pytest.mark.parametrize("build", BACKBONES.values(), ids=BACKBONES)


@torch.no_grad()
def stirred(network: nn.Module) -> nn.Module:
    """Statistics and scales as after some training, in every copy their own."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if hasattr(module, "running_var"):
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.is_floating_point():
                    tensor.add_(torch.rand(tensor.shape, generator=generator).to(tensor))
    return network.double().eval()


def n_norms(network: nn.Module) -> int:
    return sum(hasattr(module, "eps") for module in network.modules())


@every_backbone
def test_a_folded_backbone_computes_the_same_without_norms(
    build: Callable[[], nn.Sequential],
) -> None:
    network, x = stirred(build()), torch.randn(IMAGES).double()
    folded = fold_batch_norms(network)
    assert_close(folded(x), network(x))
    assert (n_norms(folded), n_norms(network) > 0) == (0, True)


@every_backbone
@pytest.mark.parametrize("stack", [True, False])
def test_a_folded_tree_computes_the_same_without_norms(
    build: Callable[[], nn.Sequential], stack: bool
) -> None:
    tasks = TaskSet([Task(name, Binary()) for name in "abc"])
    backbone, x = build(), torch.randn(IMAGES).double()
    n, width = len(stages_of(backbone)), backbone.eval()(torch.zeros(IMAGES)).shape[1]
    partitions = [(("a", "b", "c"),), (("a", "c"), ("b",)), (("a",), ("b",), ("c",))]
    tree = SharingTree(tasks.names, tuple(partitions[min(2, 3 * i // n)] for i in range(n)))
    network = stirred(BranchedNetwork(backbone, tree, tasks, n_features=width, stack=stack))
    folded = fold_batch_norms(network)
    assert_close(folded(x), network(x))
    assert (n_norms(folded), n_norms(network) > 0) == (0, True)


def test_shares_no_memory_and_leaves_the_network_alone() -> None:
    network = stirred(flat()).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    folded = fold_batch_norms(network)
    for parameter in folded.parameters():
        nn.init.zeros_(parameter)
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    assert network.training
    assert not folded.training


@pytest.mark.parametrize("stack", [True, False])
def test_keeps_a_norm_after_a_sum(stack: bool) -> None:
    tasks = TaskSet([Task(name, Binary()) for name in "ab"])
    backbone = nn.Sequential(
        nn.Sequential(Residual(nn.Conv2d(2, 2, 1)), nn.BatchNorm2d(2), nn.ReLU()),
        nn.Sequential(BasicBlock(2, 2), nn.BatchNorm2d(2), nn.Flatten()),
    )
    tree = SharingTree.separate(tasks.names, 2)
    network = stirred(BranchedNetwork(backbone, tree, tasks, n_features=18, stack=stack))
    folded, x = fold_batch_norms(network), torch.randn(4, 2, 3, 3).double()
    assert n_norms(folded) == (2 if stack else 4)
    assert_close(folded(x), network(x))


class _Own(nn.Module):
    """Has a basic block's names, and another order."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(3, 3, 1), nn.BatchNorm1d(3)
        self.conv2, self.bn2 = nn.Conv1d(3, 3, 1), nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn2(self.bn1(self.conv2(self.conv1(x.unsqueeze(2)))))
        return y.squeeze(2)


def test_keeps_a_norm_that_cannot_be_folded() -> None:
    shared = nn.Linear(3, 3)
    norm = nn.BatchNorm1d(3)
    kept: list[nn.Sequential] = [
        nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3, track_running_stats=False)),
        nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.BatchNorm1d(3)),
        nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)),
        nn.Sequential(shared, nn.BatchNorm1d(3), shared),
        nn.Sequential(nn.Linear(3, 3), norm, nn.Linear(3, 3), norm),
        nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)),
        nn.Sequential(_Own()),
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)), nn.BatchNorm1d(3)),
    ]
    x: Tensor = torch.randn(4, 3).double()
    for network in kept:
        folded = fold_batch_norms(stirred(network))
        assert n_norms(folded) == n_norms(network)
        assert_close(folded(x), network(x))
