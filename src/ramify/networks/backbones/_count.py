"""How many numbers a module learns."""

from torch import nn


def n_parameters(network: nn.Module) -> int:
    """Number of trainable numbers in a module."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
