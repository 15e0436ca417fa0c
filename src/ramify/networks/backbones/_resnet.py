"""ResNet-18 and ResNet-34 in stages, one per basic block."""

from typing import Literal, get_args

from torch import Tensor, nn

from ramify._core import InputError
from ramify.networks.backbones._vgg import check_counts, he_start

Depth = Literal[18, 34]
Stem = Literal["cifar", "imagenet"]

_BLOCKS: dict[int, tuple[int, ...]] = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions whose result is added to the input; ReLU after the first and the sum.

    Args:
        before: Channels of the input.
        after: Channels of the output.
        stride: Step of the first convolution, and of the shortcut.

    Example:
        >>> import torch
        >>> BasicBlock(8, 16, stride=2)(torch.zeros(2, 8, 6, 6)).shape
        torch.Size([2, 16, 3, 3])
    """

    def __init__(self, before: int, after: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """relu(norm(conv(relu(norm(conv(x))))) + shortcut(x))."""
        inner = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y: Tensor = self.relu(inner + self.shortcut(x))
        return y


def resnet(
    depth: Depth = 18, *, stem: Stem = "imagenet", width: int = 64, in_channels: int = 3
) -> nn.Sequential:
    """A residual network: a stem, then one stage per basic block, the last with global pooling.

    The blocks come in four rows of `width`, 2 `width`, 4 `width` and 8 `width` channels; the first
    block of rows 2 to 4 halves the image. A block is the smallest part that can be divided among
    tasks without cutting a shortcut, so each is a stage: 9 stages at depth 18, 17 at depth 34.
    Global average pooling makes any image size fit; heads get 8 `width` features, which
    `BranchedNetwork` must be told (``n_features``).

    Args:
        depth: 18 or 34 layers, counting the head.
        stem: ``cifar`` is one 3 × 3 convolution that keeps the size, for images of about 32 × 32;
            ``imagenet`` is a 7 × 7 convolution and a max pool, which quarter it.
        width: Channels of the stem and the first row; 64 is the published network.
        in_channels: Channels of the images.

    Raises:
        InputError: If the depth or stem is not one of these, or a number is not a whole one from 1
            up.

    References:
        He, Zhang, Ren, Sun. *Deep Residual Learning for Image Recognition*, CVPR 2016, table 1.

    Example:
        >>> len(resnet(18, stem="cifar", width=16))
        9
    """
    if depth not in _BLOCKS:
        raise InputError(f"`depth` must be one of 18 and 34. Got {depth}")
    if stem not in get_args(Stem):
        raise InputError(f"`stem` must be 'cifar' or 'imagenet'. Got {stem!r}")
    check_counts("width", width)
    check_counts("in_channels", in_channels)
    stages: list[nn.Module] = [_stem(stem, in_channels, width)]
    before = width
    for row, n_blocks in enumerate(_BLOCKS[depth]):
        after = width * 2**row
        for i in range(n_blocks):
            stages.append(BasicBlock(before, after, stride=2 if row > 0 and i == 0 else 1))
            before = after
    stages[-1] = nn.Sequential(stages[-1], nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = nn.Sequential(*stages)
    he_start(network, mode="fan_out")
    return network


def _stem(stem: Stem, in_channels: int, width: int) -> nn.Sequential:
    follows = [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    if stem == "cifar":
        return nn.Sequential(nn.Conv2d(in_channels, width, 3, padding=1, bias=False), *follows)
    wide = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
    return nn.Sequential(wide, *follows, nn.MaxPool2d(3, stride=2, padding=1))
