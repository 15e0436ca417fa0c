"""Modules that start differently, but from the same distribution."""

import copy

import torch
from torch import nn


@torch.no_grad()
def redrawn(module: nn.Module) -> nn.Module:
    """A copy whose every weight tensor is shuffled.

    Weights that were drawn independently are then a fresh draw from the same distribution,
    whatever that is; scales and shifts of norms, and buffers, stay as they are.

    Args:
        module: The module; unchanged.

    Example:
        >>> layer = nn.Linear(4, 3)
        >>> again = redrawn(layer)
        >>> sorted(again.weight.flatten().tolist()) == sorted(layer.weight.flatten().tolist())
        True
    """
    fresh = copy.deepcopy(module)
    for layer in fresh.modules():
        if "Norm" in type(layer).__name__:
            continue
        for parameter in layer.parameters(recurse=False):
            order = torch.randperm(parameter.numel()).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return fresh
