"""Turn several copies of a small module into one that runs them in stacked operations."""

from collections.abc import Callable, Sequence

from torch import nn

from ramify.networks._residual import Residual
from ramify.networks._stacked_layers import StackedBatchNorm, StackedLayerNorm, StackedLinear

# Layers that treat every element alike, or only look along the last axis: they already work on
# (group, batch, feature) as they are.
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


def stacked(modules: Sequence[nn.Module]) -> nn.Module | None:
    """Stack copies of one module, or say that it cannot be done.

    Args:
        modules: Copies of one module; their parameters may differ, their shapes may not.

    Returns:
        A module on ``(group, batch, feature)`` that computes what the copies compute, or None if
        some layer of it has no stacked form.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> copies = [nn.Sequential(nn.Linear(3, 2), nn.ReLU()) for _ in range(4)]
        >>> stacked(copies)(torch.zeros(1, 5, 3)).shape
        torch.Size([4, 5, 2])
    """
    if any(not parameter.requires_grad for parameter in modules[0].parameters()):
        return None  # frozen weights stay frozen where every copy keeps its own
    build = _BUILDERS.get(type(modules[0]))
    if build is not None:
        return build(list(modules))
    return modules[0] if isinstance(modules[0], _ELEMENTWISE) else None


def _sequential(modules: list[nn.Sequential]) -> nn.Module | None:
    layers = [stacked(copies) for copies in zip(*modules, strict=True)]
    known = [layer for layer in layers if layer is not None]
    return nn.Sequential(*known) if len(known) == len(layers) else None


def _residual(modules: list[Residual]) -> nn.Module | None:
    inner = stacked([module.inner for module in modules])
    return None if inner is None else Residual(inner)


def _batch_norm(modules: list[nn.BatchNorm1d]) -> nn.Module | None:
    first = modules[0]
    # Without a momentum the statistics are plain averages over a count that stacks do not keep.
    plain = first.track_running_stats and first.momentum is not None
    return StackedBatchNorm(modules) if plain else None


def _layer_norm(modules: list[nn.LayerNorm]) -> nn.Module | None:
    return StackedLayerNorm.of(modules) if len(modules[0].normalized_shape) == 1 else None


_BUILDERS: dict[type[nn.Module], Callable[..., nn.Module | None]] = {
    nn.Linear: StackedLinear.of,
    nn.LayerNorm: _layer_norm,
    nn.BatchNorm1d: _batch_norm,
    nn.Sequential: _sequential,
    Residual: _residual,
}
"""Layers with parameters of their own that have a stacked form."""


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
