"""Whether branches of a convolutional stage run in one grouped operation, or one by one."""

import torch
from torch import nn

# Measured by benchmarks/branches.py on a CPU; docs/fully_adaptive.md tells what came out.
_MOST_PER_BRANCH = 2**17
_MOST_IN_ALL = 2**21
_LEAST_FOR_A_PAIR = 2**12


def in_one_operation(n_groups: int, n_rows: int, size: int, *, shared: bool) -> bool:
    """Whether one grouped convolution is faster than a loop over the branches.

    Every call costs about the same on top of its arithmetic. So grouping gains the more, the more
    branches there are and the smaller the features of each. Where these are large it gains
    nothing, and it loses once the features of all branches no longer fit the processor's caches.
    For a single row, small convolutions have a shorter way that is closed to grouped ones; two of
    them are faster on it, unless they read the same input and so are a single wide one.

    Args:
        n_groups: Number of branches.
        n_rows: Rows in the batch.
        size: Features of one row at the widest place of one branch.
        shared: Whether all branches read the same input.
    """
    if torch.compiler.is_compiling():  # to look at the batch would fix its size
        return True
    if n_rows == 1 and n_groups == 2 and not shared and size < _LEAST_FOR_A_PAIR:
        return False
    per_branch = n_rows * size
    return per_branch <= _MOST_PER_BRANCH and n_groups * per_branch <= _MOST_IN_ALL


def most_channels(stage: nn.Module) -> int:
    """Most channels that a convolution of a stage reads or writes; 0 without any."""
    widths = [
        max(layer.in_channels, layer.out_channels)
        for layer in stage.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    return max(widths, default=0)
