"""How long one row takes."""

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from ramify.networks import TaskModel, fold_batch_norms

_CALLS, _WARM_UP = 20, 5


@torch.inference_mode()
def milliseconds_per_row(network: TaskModel, shape: Sequence[int]) -> float:
    """Median time of a single row through a network on the CPU, its batch norms folded.

    Args:
        network: Unchanged.
        shape: Shape of one row as the network takes it.
    """
    folded: nn.Module = fold_batch_norms(network.cpu().eval())
    row = torch.zeros(1, *shape)
    spent = []
    for _ in range(_CALLS):
        started = time.perf_counter()
        folded(row)
        spent.append(time.perf_counter() - started)
    return 1e3 * float(np.median(spent[_WARM_UP:]))
