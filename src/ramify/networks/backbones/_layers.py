"""The layers with weights of a network, and new ones like them from given weights."""

import copy
from collections.abc import Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

Layer = nn.Conv2d | nn.Linear
Same = TypeVar("Same", bound=Layer)


def weight_layers(network: nn.Module) -> Iterator[tuple[str, Layer]]:
    """Convolutions and dense layers with their names, from input to output.

    In a `BasicBlock` the order is: the two convolutions, then that of the shortcut.
    """
    for name, module in network.named_modules():
        if isinstance(module, Layer):
            yield name, module


def like(layer: Same, weight: Tensor, bias: Tensor | None) -> Same:
    """A layer like another, with other weights and the widths that follow from them.

    Args:
        layer: The other one; its stride, padding and so on are taken over.
        weight: ``(out, in, …)``; copied.
        bias: ``(out,)``, or None for none; copied.
    """
    trains = layer.weight.requires_grad
    contiguous = weight.detach().clone(memory_format=torch.contiguous_format)
    fresh = nn.Parameter(contiguous, requires_grad=trains)
    again = copy.deepcopy(layer, {id(layer.weight): fresh})  # its own weights may be large
    own = None if bias is None else nn.Parameter(bias.detach().clone(), requires_grad=trains)
    again.register_parameter("bias", own)
    if isinstance(again, nn.Conv2d):
        again.out_channels, again.in_channels = weight.shape[:2]
        again.kernel_size = tuple(weight.shape[2:])
    else:
        again.out_features, again.in_features = weight.shape
    return again
