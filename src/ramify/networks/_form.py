"""Whether branches of a convolutional stage run in one grouped operation, or one by one."""

import torch
from torch import nn

# Measured by benchmarks/branches.py on two cores of a CPU; see docs/fully_adaptive.md.
_MOST_PER_BRANCH = 2**17
_MOST_IN_ALL = 2**21
_FEWEST_FOR_ONE_ROW = 4


def in_one_operation(n_groups: int, n_rows: int, size: int, *, shared: bool) -> bool:
    """Whether one grouped convolution is faster than a loop over the branches.

    Every call costs about the same on top of its arithmetic, so that grouping gains the more, the
    smaller a branch's features are: up to five times for 40 branches. Where they are large, it
    gains nothing, and loses once all features together no longer fit the processor's caches. For
    one row, small convolutions have a shorter way of their own that groups cannot take.

    Args:
        n_groups: Number of branches.
        n_rows: Rows in the batch.
        size: Features of one row at the widest place of one branch.
        shared: Whether all branches read the same input: then it is one wide convolution.
    """
    if torch.compiler.is_compiling():  # the choice would fix the size of the batch
        return True
    per_branch = n_rows * size
    if shared:
        return n_groups * per_branch <= 2 * _MOST_IN_ALL
    if n_rows == 1 and n_groups < _FEWEST_FOR_ONE_ROW:
        return False
    return per_branch <= _MOST_PER_BRANCH and n_groups * per_branch <= _MOST_IN_ALL


def most_channels(stage: nn.Module) -> int:
    """Most channels that a convolution of a stage reads or writes; 0 without any."""
    widths = [
        max(layer.in_channels, layer.out_channels)
        for layer in stage.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    return max(widths, default=0)
