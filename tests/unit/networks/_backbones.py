"""Backbones and trees that the tests of networks run through."""

from collections.abc import Callable

import torch
from tests.settings import DEVICE, DTYPE
from torch import Tensor, nn

from ramify.networks import BranchedNetwork, Residual, mlp
from ramify.networks.backbones._resnet import BasicBlock
from ramify.tasks import Binary, Multiclass, Regression, SharingTree, Task, TaskSet

N_INPUTS = 6
TASKS = TaskSet(
    [
        Task("a", Binary()),
        Task("b", Multiclass(("x", "y", "z"))),
        Task("c", Regression(2.0, 3.0)),
        Task("d", Binary(rate=0.1)),
        Task("e", Binary()),
    ]
)
NAMES = TASKS.names
TREE = SharingTree(
    NAMES,
    (
        (("a", "b", "c", "d", "e"),),
        (("a", "c"), ("b", "d", "e")),
        (("a",), ("b", "e"), ("c",), ("d",)),
    ),
)
TREES = {
    "shared": SharingTree.shared(NAMES, 3),
    "separate": SharingTree.separate(NAMES, 3),
    "growing": TREE,
    "apart at once": SharingTree(NAMES, (TREE.stages[1], TREE.stages[1], TREE.stages[2])),
    "full at the top": SharingTree(
        NAMES, (TREE.stages[0], TREE.stages[0], SharingTree.separate(NAMES, 1).stages[0])
    ),
}


def linear() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(N_INPUTS, 8), nn.ReLU(), nn.Linear(8, 8, bias=False), nn.Tanh(), nn.Linear(8, 4)
    )


def activations() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(N_INPUTS, 8), nn.GELU(), nn.Identity(), nn.LeakyReLU(0.2), nn.ELU()),
        *(nn.Linear(8, 8), nn.SiLU(), nn.Sigmoid(), nn.Softplus()),
        *(nn.Linear(8, 4), nn.Mish(), nn.Hardtanh(), nn.SELU(), nn.ReLU6()),
    )


def batch_norm() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(N_INPUTS, 8), nn.BatchNorm1d(8), nn.ReLU()),
        *(nn.Linear(8, 8), nn.BatchNorm1d(8, affine=False, momentum=0.3), nn.ReLU()),
        *(nn.Linear(8, 4), nn.BatchNorm1d(4)),
    )


def layer_norm() -> nn.Sequential:
    return nn.Sequential(
        *(nn.LayerNorm(N_INPUTS), nn.Linear(N_INPUTS, 8), nn.LayerNorm(8), nn.ReLU()),
        *(nn.Linear(8, 8), nn.LayerNorm(8, elementwise_affine=False)),
        *(nn.Linear(8, 4), nn.LayerNorm(4, bias=False)),
    )


def residual() -> nn.Sequential:
    inner = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.ReLU(), Residual(nn.Linear(8, 8)))
    return nn.Sequential(nn.Linear(N_INPUTS, 8), Residual(inner), nn.Linear(8, 4))


def built_in() -> nn.Sequential:
    return mlp(N_INPUTS, hidden=(8, 8, 4), dropout=0.3, input_dropout=0.1)


def convolutions() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 2, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Conv2d(4, 4, 2), nn.GroupNorm(2, 4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Linear(4, 4),
    )


def image_layers() -> nn.Sequential:
    """Every layer over channels that has a stacked form."""
    return nn.Sequential(
        *(
            nn.Unflatten(1, (1, 2, 3)),
            nn.ZeroPad2d(3),
            nn.Conv2d(1, 4, 3, padding=1),
            nn.ReLU(True),
        ),
        nn.Sequential(
            *(nn.Conv2d(4, 6, 3, stride=2, dilation=(1, 2), bias=False), nn.BatchNorm2d(6)),
            *(nn.ReLU(inplace=True), nn.Dropout2d(0.4), nn.AvgPool2d(2, 1)),
            *(nn.Conv2d(6, 6, 1, groups=2), nn.BatchNorm2d(6, affine=False, momentum=0.3)),
            *(nn.MaxPool2d(2, 1, ceil_mode=True), nn.GroupNorm(3, 6, affine=False)),
            nn.AdaptiveAvgPool2d(2),
        ),
        nn.Sequential(
            *(nn.AdaptiveMaxPool2d(1), nn.Flatten(2), nn.Flatten(1, -1), nn.Linear(6, 4)),
            nn.BatchNorm1d(4),
        ),
    )


def residual_blocks() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Unflatten(1, (1, 2, 3)), nn.ZeroPad2d(2), BasicBlock(1, 4)),
        BasicBlock(4, 4),
        nn.Sequential(BasicBlock(4, 4, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def not_stackable() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(N_INPUTS, 8), nn.BatchNorm1d(8, track_running_stats=False), nn.ReLU()),
        *(nn.Linear(8, 8), nn.Softmax(dim=1)),
        nn.Linear(8, 4),
    )


BACKBONES: dict[str, Callable[[], nn.Sequential]] = {
    "linear": linear,
    "activations": activations,
    "batch norm": batch_norm,
    "layer norm": layer_norm,
    "residual": residual,
    "mlp": built_in,
    "convolutions": convolutions,
    "image layers": image_layers,
    "residual blocks": residual_blocks,
    "not stackable": not_stackable,
}


def built(
    backbone: str, tree: SharingTree, *, stack: bool = True, dtype: torch.dtype = DTYPE
) -> BranchedNetwork:
    """A network whose copies differ from each other, as after some training."""
    torch.manual_seed(0)
    network = BranchedNetwork(BACKBONES[backbone](), tree, TASKS, n_features=4, stack=stack)
    return stirred(network.to(DEVICE, dtype))


@torch.no_grad()
def stirred(network: BranchedNetwork) -> BranchedNetwork:
    """Change every weight and statistic, each copy of a stage differently.

    The numbers are the same whether copies are stacked or not.
    """
    for i, stage in enumerate(network.stages):
        joined = getattr(stage, "joined", None)
        if joined is None:
            for g, part in enumerate(stage.get_submodule("copies").children()):
                _stir(part, i, g)
        else:
            groups = len(network.tree.stages[i])
            for g in range(groups):
                _stir(joined, i, g, stacked=True)
    return network


def _stir(part: nn.Module, stage: int, group: int, *, stacked: bool = False) -> None:
    generator = torch.Generator().manual_seed(100 * stage + group)
    tensors = [*part.parameters(), *(b for b in part.buffers() if b.is_floating_point())]
    for tensor in tensors:
        target = tensor[group] if stacked else tensor
        noise = torch.rand(target.shape, generator=generator, dtype=torch.float64)
        target += 0.3 * noise.to(target)


def inputs(n: int = 7, dtype: torch.dtype = DTYPE) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(n, N_INPUTS, generator=generator, dtype=torch.float64).to(DEVICE, dtype)
