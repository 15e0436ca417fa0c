"""Batch norms folded into the layers before them, for inference."""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from ramify.networks._resnet import BasicBlock
from ramify.networks._stacked import Stacked
from ramify.networks._stacked_blocks import (
    StackedBlock,
    StackedElementwise,
    basic_block,
    in_turn,
)
from ramify.networks._stacked_channels import StackedBatchNorm, StackedConv2d
from ramify.networks._stacked_layers import StackedLinear

Network = TypeVar("Network", bound=nn.Module)
_Norm = nn.modules.batchnorm._BatchNorm | StackedBatchNorm

_FOLLOWS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv1d: nn.BatchNorm1d,
    nn.Conv2d: nn.BatchNorm2d,
    nn.Linear: nn.BatchNorm1d,
    StackedConv2d: StackedBatchNorm,
    StackedLinear: StackedBatchNorm,
}
"""Layers that can take up a batch norm, and of which kind."""

_BLOCK = {"bn1": "conv1", "bn2": "conv2"}
"""The norms of a `BasicBlock`, and what each follows."""


def fold_batch_norms(network: Network) -> Network:
    r"""A copy for inference, in which layers have taken up the batch norms that follow them.

    .. math:: w' = \frac{\gamma}{\sqrt{v + \epsilon}}\, w \qquad
        b' = \frac{\gamma}{\sqrt{v + \epsilon}} (b - m) + \beta

    with the running mean *m* and variance *v*. It computes what the network computes in
    evaluation, with less work, and is not for training. The paper divides by
    :math:`\epsilon + \sqrt{v}`, which differs in the sixth digit.

    Folded is a norm directly after a convolution or dense layer in an ``nn.Sequential`` (or in a
    `BasicBlock`), in branches too, whether they are stacked or not. It becomes an
    ``nn.Identity``, so names stay. A norm stays where it has no running statistics, where either
    module is used in more than one place, and in modules of your own. Dense layers are taken to
    work on ``(batch, feature)``.

    Args:
        network: Any module; unchanged.

    References:
        Lu et al., CVPR 2017, section 4.

    Example:
        >>> from torch import nn
        >>> network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.ReLU())
        >>> [type(layer).__name__ for layer in fold_batch_norms(network)]
        ['Linear', 'Identity', 'ReLU']
    """
    folded = copy.deepcopy(network).eval()
    uses = Counter(id(m) for _, m in folded.named_modules(remove_duplicate=False))
    for parent in list(folded.modules()):
        for layer, name in _pairs(parent):
            norm = parent.get_submodule(name)
            if type(norm) is _FOLLOWS.get(type(layer)) and uses[id(layer)] == uses[id(norm)] == 1:
                assert isinstance(norm, _Norm)  # for the type checker only
                if norm.running_mean is not None:
                    _take_up(layer, norm)
                    setattr(parent, name, _identity(norm))
    return folded


def _pairs(parent: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Each layer with the name of what directly follows it."""
    children = {name: child for name, child in parent._modules.items() if child is not None}
    if _is_basic_block(parent):
        yield from ((_last(children[layer]), norm) for norm, layer in _BLOCK.items())
    elif _runs_in_turn(parent):
        for layer, name in zip(children.values(), list(children)[1:], strict=False):
            yield _last(layer), name


def _is_basic_block(module: nn.Module) -> bool:
    stacked = isinstance(module, StackedBlock) and module._rule is basic_block
    return stacked or isinstance(module, BasicBlock)


def _runs_in_turn(module: nn.Module) -> bool:
    stacked = isinstance(module, StackedBlock) and module._rule is in_turn
    return stacked or isinstance(module, nn.Sequential)


def _last(layer: nn.Module) -> nn.Module:
    """The layer, or the last one of several in turn."""
    while _runs_in_turn(layer) and len(layer._modules) > 0:
        layer = list(layer.children())[-1]
    return layer


def _identity(norm: nn.Module) -> nn.Module:
    return StackedElementwise(nn.Identity()) if isinstance(norm, Stacked) else nn.Identity()


@torch.no_grad()
def _take_up(layer: nn.Module, norm: _Norm) -> None:
    weight, bias = layer.get_parameter("weight"), getattr(layer, "bias", None)
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    scale = (variance.double() + norm.eps).rsqrt()  # (channel) or (group, channel)
    if norm.weight is not None:
        scale = scale * norm.weight
    shift = (0.0 if bias is None else bias.double()) - mean
    shift = scale * shift if norm.bias is None else scale * shift + norm.bias
    beside: Tensor = scale.view(*scale.shape, *(1,) * (weight.ndim - scale.ndim))
    trains = weight.requires_grad
    layer.weight = nn.Parameter((weight * beside).to(weight), requires_grad=trains)
    layer.bias = nn.Parameter(shift.to(weight), requires_grad=trains)
