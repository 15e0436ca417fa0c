"""Turn several copies of a module into one that runs them in stacked operations."""

import copy
from collections.abc import Callable, Sequence

from torch import nn

from ramify.networks.backbones import BasicBlock, Residual, has_own_forward
from ramify.networks.stacked._stacked_layers import (
    ChannelsLast,
    Rule,
    Stacked,
    StackedBatchNorm,
    StackedBlock,
    StackedChannels,
    StackedChannelsLast,
    StackedConv2d,
    StackedElementwise,
    StackedEmbedding,
    StackedFlatten,
    StackedGroupNorm,
    StackedLayerNorm,
    StackedLinear,
    basic_block,
    in_turn,
    residual,
)

# Layers that treat every element alike: they already work on (group, batch, …) as they are.
_ELEMENTWISE = (
    nn.Identity,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Tanh,
    nn.Sigmoid,
    nn.Softplus,
    nn.Hardtanh,
    nn.Dropout,
)

# Layers without weights that treat every channel alike.
_CHANNELWISE = (
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Dropout2d,
    nn.MaxPool2d,
    nn.ZeroPad2d,
)


def stacked(modules: Sequence[nn.Module]) -> Stacked | None:
    """Stack copies of one module, or say that it cannot be done.

    Args:
        modules: Copies of one module; their parameters may differ, their shapes may not.

    Returns:
        A module on ``(group, batch, …)`` that computes what the copies compute, or None if some
        layer of it has no stacked form.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> copies = [nn.Sequential(nn.Linear(3, 2), nn.ReLU()) for _ in range(4)]
        >>> stacked(copies)(torch.zeros(1, 5, 3)).shape
        torch.Size([4, 5, 2])
    """
    first = modules[0]
    if _must_stay_apart(first):
        return None
    if type(first) in _BLOCKS:
        return _block(modules, _BLOCKS[type(first)])
    if type(first) in _LAYERS:
        return _LAYERS[type(first)](list(modules))
    if type(first) in _CHANNELWISE:
        return None if getattr(first, "return_indices", False) else StackedChannels(first)
    return StackedElementwise(_aside(first)) if type(first) in _ELEMENTWISE else None


def _must_stay_apart(module: nn.Module) -> bool:
    if any(not parameter.requires_grad for parameter in module.parameters()):
        return True  # frozen weights stay frozen where every copy keeps its own
    if _repeats_weights(module):
        return True  # each use would be stacked on its own, and they would drift apart
    return has_own_forward(module)  # which would be dropped


def _repeats_weights(module: nn.Module) -> bool:
    """Whether some weight is used in two places of a module."""
    every = [id(p) for _, p in module.named_parameters(remove_duplicate=False)]
    return len(set(every)) < len(every)


def take_groups(module: nn.Module, sources: Sequence[int]) -> None:
    """Make a stacked module hold copies of some of its groups, in place.

    Args:
        module: What `stacked` returned.
        sources: For each new group, the index of the group that it copies.
    """
    for layer in module.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            setattr(layer, name, nn.Parameter(parameter.detach()[sources]))
        for name, buffer in layer.named_buffers(recurse=False):
            setattr(layer, name, buffer[sources])


def _block(modules: Sequence[nn.Module], rule: Rule) -> Stacked | None:
    children = {
        name: stacked([module.get_submodule(name) for module in modules])
        for name in modules[0]._modules  # named_children() would leave out a layer used twice
    }
    known = {name: child for name, child in children.items() if child is not None}
    return StackedBlock(known, rule) if len(known) == len(children) else None


def _aside(layer: nn.Module) -> nn.Module:
    """The layer, or a copy that does not write into its input.

    The features of a group are a view, and a write into a view costs the backward pass two copies.
    """
    if not getattr(layer, "inplace", False):
        return layer
    fresh = copy.deepcopy(layer)
    fresh.inplace = False  # type: ignore[assignment]
    return fresh


def _embedding(modules: list[nn.Embedding]) -> Stacked | None:
    first = modules[0]
    plain = first.max_norm is None and not first.scale_grad_by_freq and not first.sparse
    return StackedEmbedding(modules) if plain else None


def _channels_last(modules: list[nn.Module]) -> Stacked:
    return StackedChannelsLast()


def _convolution(modules: list[nn.Conv2d]) -> Stacked | None:
    return StackedConv2d(modules) if modules[0].padding_mode == "zeros" else None


def _batch_norm(modules: list[nn.modules.batchnorm._BatchNorm]) -> Stacked | None:
    first = modules[0]
    # Without a momentum the statistics are plain averages over a count that stacks do not keep.
    plain = first.track_running_stats and first.momentum is not None
    return StackedBatchNorm(modules) if plain else None


def _flatten(modules: list[nn.Flatten]) -> Stacked | None:
    return StackedFlatten(modules[0]) if modules[0].start_dim >= 1 else None


def _layer_norm(modules: list[nn.LayerNorm]) -> Stacked | None:
    return StackedLayerNorm(modules) if len(modules[0].normalized_shape) == 1 else None


_LAYERS: dict[type[nn.Module], Callable[..., Stacked | None]] = {
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Conv2d: _convolution,
    nn.Embedding: _embedding,
    ChannelsLast: _channels_last,
    nn.Flatten: _flatten,
    nn.GroupNorm: StackedGroupNorm,
    nn.LayerNorm: _layer_norm,
    nn.Linear: StackedLinear,
}
"""Layers that have a stacked form of their own."""

_BLOCKS: dict[type[nn.Module], Rule] = {
    BasicBlock: basic_block,
    nn.Sequential: in_turn,
    Residual: residual,
}
"""Blocks of layers, and what they do with their children."""
