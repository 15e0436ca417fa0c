"""A small convolutional network, for small pictures and many tasks."""

import itertools
import math
from collections.abc import Sequence

from torch import nn

from ramify._core import InputError
from ramify.networks.backbones._vgg import check_counts, he_start


def cnn(
    channels: Sequence[int] = (8, 12, 16),
    hidden: Sequence[int] = (64,),
    *,
    input_size: tuple[int, int] = (28, 28),
    in_channels: int = 1,
) -> nn.Sequential:
    """A stage per convolution (3 × 3, ReLU, 2 × 2 max pooling), then a stage per dense layer.

    Nothing in it looks at other rows of the batch, as batch norms do. So where tasks have rows of
    their own, each network of a task runs these only, see `RowRouter`. Weights start from He's
    normal distribution, biases from zero.

    Args:
        channels: Channels of each convolution.
        hidden: Width of each dense layer; at least one.
        input_size: Height and width of the images in pixels. Pools round up.
        in_channels: Channels of the images.

    Raises:
        InputError: If a number is not a whole one from 1 up, or there is no dense layer.

    References:
        The default has the sizes that Yang and Hospedales (ICLR 2017) gave the network of their
        experiments on Omniglot, which used tanh.

    Example:
        >>> import torch
        >>> cnn()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 64])
    """
    check_counts("in_channels", in_channels)
    check_counts("channels", *channels)
    check_counts("hidden", *hidden)
    check_counts("input_size", *input_size)
    if not hidden:
        raise InputError("`hidden` must hold at least one width. Got none")
    stages = [
        nn.Sequential(
            nn.Conv2d(before, after, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2, ceil_mode=True),
        )
        for before, after in itertools.pairwise([in_channels, *channels])
    ]
    left = [math.ceil(side / 2 ** len(channels)) for side in input_size]
    widths = [[in_channels, *channels][-1] * math.prod(left), *hidden]
    for i, (before, after) in enumerate(itertools.pairwise(widths)):
        flat = [nn.Flatten()] if i == 0 else []
        stages.append(nn.Sequential(*flat, nn.Linear(before, after), nn.ReLU(inplace=True)))
    network = nn.Sequential(*stages)
    he_start(network, mode="fan_in")
    return network
