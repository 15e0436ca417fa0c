"""VGG-16 and ResNets as torchvision 0.20 writes them: its names, its order, its pooling."""

from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class VGG(nn.Module):
    def __init__(self, widths: list[int | str], dense: int, *, batch_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in widths:
            if isinstance(width, str):
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                norm = [nn.BatchNorm2d(width)] if batch_norm else []
                layers += [nn.Conv2d(before, width, kernel_size=3, padding=1), *norm, nn.ReLU()]
                before = width
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(before * 7 * 7, dense),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(dense, dense),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(dense, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.classifier[:-1](self.avgpool(self.features(x)).flatten(1))
        assert isinstance(y, Tensor)
        return y


class Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + identity)


class ResNet(nn.Module):
    def __init__(self, rows: list[int], width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        before = width
        for row, n_blocks in enumerate(rows, 1):
            after = width * 2 ** (row - 1)
            strides = [1 if row == 1 else 2] + [1] * (n_blocks - 1)
            blocks = [
                Block(before if i == 0 else after, after, stride)
                for i, stride in enumerate(strides)
            ]
            setattr(self, f"layer{row}", nn.Sequential(*blocks))
            before = after
        self.fc = nn.Linear(before, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for row in range(1, 5):
            x = self.get_submodule(f"layer{row}")(x)
        return x.mean((2, 3))


def vgg16(width: int, *, batch_norm: bool) -> VGG:
    """Configuration D, as thin as `width` says, so that tests stay fast."""
    original: list[int | str] = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M"]
    original += [512, 512, 512, "M", 512, 512, 512, "M"]
    widths = [w if isinstance(w, str) else min(w, width) for w in original]
    return VGG(widths, 2 * width, batch_norm=batch_norm)


@torch.no_grad()
def stirred(network: Network) -> Network:
    """Statistics and scales as after some training."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.weight, module.bias):
                assert isinstance(tensor, Tensor)
                tensor.add_(torch.randn(tensor.shape) / 4)
            assert isinstance(module.running_var, Tensor)
            module.running_var.mul_(torch.rand(module.running_var.shape) + 0.5)
    return network.eval()
