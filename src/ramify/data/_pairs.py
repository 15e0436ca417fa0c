"""Which rows of a batch may be compared with each other."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor


def pairs_within(groups: Int64[Tensor, " row"]) -> Int64[Tensor, "2 pair"]:
    """All pairs of rows of one group, each once; as many as the groups have, not as all rows.

    Args:
        groups: Number of each row's group, on the CPU.

    Example:
        >>> pairs_within(torch.tensor([7, 5, 7, 5, 7])).T.tolist()
        [[1, 3], [0, 2], [0, 4], [2, 4]]
    """
    numbers = groups.numpy()
    order = np.argsort(numbers, kind="stable")
    _, starts, sizes = np.unique(numbers[order], return_index=True, return_counts=True)
    ends = np.repeat(starts + sizes, sizes)
    # The row at place p of the order is paired with those after it, up to its group's end.
    places = np.arange(len(order))
    n_after = ends - places - 1
    first = np.repeat(places, n_after)
    skipped = np.repeat(np.cumsum(n_after) - n_after, n_after)
    second = first + 1 + np.arange(len(first)) - skipped
    return torch.from_numpy(np.stack([order[first], order[second]]))
