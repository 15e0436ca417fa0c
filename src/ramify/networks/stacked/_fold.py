"""Batch norms folded into the layers before them, for inference."""

import copy
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from ramify.networks.backbones import BasicBlock, has_own_forward
from ramify.networks.stacked._stacked_layers import (
    Stacked,
    StackedBatchNorm,
    StackedBlock,
    StackedConv2d,
    StackedElementwise,
    StackedLinear,
    basic_block,
    in_turn,
)

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
    again = copy.deepcopy(network).eval()
    uses = Counter(id(module) for _, module in again.named_modules(remove_duplicate=False))
    return _folded(again, uses)


def _folded(module: Network, uses: Counter[int]) -> Network:
    """The module without norms, changed in place; a stacked block is made anew."""
    children = {name: child for name, child in module._modules.items() if child is not None}
    after = {name: _folded(child, uses) for name, child in children.items()}
    for layer, name in _pairs(module, after):
        norm = after[name]
        plain = not (has_own_forward(layer) or has_own_forward(norm))
        if (
            plain
            and type(norm) is _FOLLOWS.get(type(layer))
            and uses[id(layer)] == uses[id(norm)] == 1
        ):
            assert isinstance(norm, _Norm)  # for the type checker only
            if norm.running_mean is not None:
                _take_up(layer, norm)
                after[name] = _identity(norm)
    if isinstance(module, StackedBlock):  # it holds its children twice
        known = {name: child for name, child in after.items() if isinstance(child, Stacked)}
        return type(module)(known, module._rule).eval()
    for name, child in after.items():
        setattr(module, name, child)
    return module


def _pairs(parent: nn.Module, children: Mapping[str, nn.Module]) -> Iterator[tuple[nn.Module, str]]:
    """Each layer with the name of what directly follows it."""
    if has_own_forward(parent):
        return
    if _is_basic_block(parent):
        yield from ((_last(children[layer]), norm) for norm, layer in _BLOCK.items())
    elif _runs_in_turn(parent):
        for layer, follower in itertools.pairwise(children):
            yield _last(children[layer]), follower


def _is_basic_block(module: nn.Module) -> bool:
    stacked = isinstance(module, StackedBlock) and module._rule is basic_block
    return stacked or isinstance(module, BasicBlock)


def _runs_in_turn(module: nn.Module) -> bool:
    stacked = isinstance(module, StackedBlock) and module._rule is in_turn
    return stacked or isinstance(module, nn.Sequential)


def _last(layer: nn.Module) -> nn.Module:
    """The layer, or the last one of several in turn."""
    while _runs_in_turn(layer) and not has_own_forward(layer) and len(layer._modules) > 0:
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
