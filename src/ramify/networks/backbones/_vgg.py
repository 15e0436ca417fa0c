"""VGG-16 and its thin forms, in the fifteen stages that fully-adaptive sharing divides."""

import itertools
import math
from collections.abc import Sequence
from typing import Literal

from torch import nn

from ramify._core import InputError, check_count


def check_counts(name: str, *numbers: object) -> None:
    """Check whole numbers from 1 up.

    Args:
        name: Of their argument.
        *numbers: The numbers.

    Raises:
        InputError: If one is none.
    """
    for number in numbers:
        check_count(name, number)


VGG16_CONV_WIDTHS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
POOLED_AFTER = frozenset({1, 3, 6, 9, 12})
VGG16_DENSE_WIDTH = 4096
MOMENTUM = 0.05  # a moving average that keeps .95


def vgg16(
    n_tasks: int | None = None,
    width: int | None = None,
    *,
    input_size: int | tuple[int, int] = 224,
    in_channels: int = 3,
    batch_norm: bool = True,
    affine: bool = True,
) -> nn.Sequential:
    r"""VGG-16 in stages: thirteen convolutions, then two dense layers, each with norm and ReLU.

    The thin form of width :math:`\omega` has :math:`\min(\omega, c)` channels where VGG-16 has
    *c*, and dense layers of width :math:`2\omega`. Thin or not, a max pool ends the stages 2, 4,
    7, 10 and 13.

    A pool rounds the size up, as the paper's framework does. So an image of any size passes: one
    of 28 × 28 shrinks to 14, 7, 4, 2, 1, and a side of 1 stays 1. The first dense layer takes
    what is left, :math:`\lceil \text{size} / 32 \rceil` on each side. Sizes that are divisible by
    32 pool just as they would when rounding down.

    Weights start from He's normal distribution, biases from zero. There is no dropout.

    Args:
        n_tasks: None for the backbone of a `BranchedNetwork`. With a number, a plain linear layer
            of that many outputs ends the network: the paper's baseline.
        width: The width of a thin network; None for the full one.
        input_size: Height and width of the images in pixels, or one number for both.
        in_channels: Channels of the images.
        batch_norm: Whether a batch norm follows every convolution and dense layer. Its running
            statistics keep .95 of what they were at each step.
        affine: Whether the batch norm has a scale and shift that are learned. The paper's has
            none; there the bias before it is all that is learned besides the weights, and the
            batch norm cancels it. The scale costs nothing once folded (see `fold_batch_norms`).

    Raises:
        InputError: If a number is not a whole one from 1 up.

    References:
        Simonyan, Zisserman. *Very Deep Convolutional Networks*, ICLR 2015, configuration D.
        Thin networks: Lu et al., CVPR 2017, section 3.1.

    Example:
        >>> backbone = vgg16(width=32, input_size=28, in_channels=1)
        >>> len(backbone), backbone[-1][0].out_features
        (15, 64)
    """
    check_counts("in_channels", in_channels)
    for name, number in (("n_tasks", n_tasks), ("width", width)):
        if number is not None:
            check_counts(name, number)
    height, breadth = _sides(input_size)
    convolutions = [c if width is None else min(width, c) for c in VGG16_CONV_WIDTHS]
    dense = VGG16_DENSE_WIDTH if width is None else 2 * width
    n_left = math.ceil(height / 32) * math.ceil(breadth / 32)
    norms = _Norms(batch_norm, affine)
    stages = [
        nn.Sequential(
            nn.Conv2d(before, after, kernel_size=3, padding=1),
            *norms.after_convolution(after),
            nn.ReLU(inplace=True),
            *([nn.MaxPool2d(2, ceil_mode=True)] if i in POOLED_AFTER else []),
        )
        for i, (before, after) in enumerate(itertools.pairwise([in_channels, *convolutions]))
    ]
    for head, before in (([nn.Flatten()], convolutions[-1] * n_left), ([], dense)):
        layers = [nn.Linear(before, dense), *norms.after_dense(dense), nn.ReLU(inplace=True)]
        stages.append(nn.Sequential(*head, *layers))
    network = nn.Sequential(*stages)
    if n_tasks is not None:
        network.append(nn.Linear(dense, n_tasks))
    he_start(network, mode="fan_in")
    return network


def he_start(network: nn.Module, *, mode: Literal["fan_in", "fan_out"]) -> None:
    """Draw weights of variance 2 / fan, and set biases to zero, in place.

    Args:
        network: Its convolutions and dense layers are changed.
        mode: ``fan_in`` or ``fan_out``, see `torch.nn.init.kaiming_normal_`.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width."""
    if not isinstance(size, tuple | list):
        check_counts("input_size", size)
        return size, size
    if len(size) != 2:
        raise InputError(f"`input_size` must be a height and a width, or one number. Got {size}")
    check_counts("input_size", *size)
    height, breadth = size
    return height, breadth


class _Norms:
    """What follows a layer: a batch norm of its width, or nothing."""

    def __init__(self, wanted: bool, affine: bool) -> None:
        self._wanted, self._affine = wanted, affine

    def after_convolution(self, width: int) -> Sequence[nn.Module]:
        norm = nn.BatchNorm2d(width, momentum=MOMENTUM, affine=self._affine)
        return [norm] if self._wanted else []

    def after_dense(self, width: int) -> Sequence[nn.Module]:
        norm = nn.BatchNorm1d(width, momentum=MOMENTUM, affine=self._affine)
        return [norm] if self._wanted else []
