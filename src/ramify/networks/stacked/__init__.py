"""Layers of several networks as one operation each."""

from ramify.networks.stacked._fold import fold_batch_norms
from ramify.networks.stacked._stacked_layers import (
    ChannelsLast,
    Run,
    StackedBatchNorm,
    StackedConv2d,
    StackedLinear,
    apart,
)
from ramify.networks.stacked._stacking import stacked, take_groups
from ramify.networks.stacked._widths import as_read, check_width, vectors, width_read, widths_after

__all__ = [
    "ChannelsLast",
    "Run",
    "StackedBatchNorm",
    "StackedConv2d",
    "StackedLinear",
    "apart",
    "as_read",
    "check_width",
    "fold_batch_norms",
    "stacked",
    "take_groups",
    "vectors",
    "width_read",
    "widths_after",
]
