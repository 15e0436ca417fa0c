"""The weights of several tasks' networks, side by side."""

import copy

import torch

from ramify._core import InputError
from ramify.networks.branched._branched import BranchedNetwork
from ramify.networks.branched._branches import Branches
from ramify.networks.branched._task_network import TaskNetwork
from ramify.networks.stacked import StackedConv2d, StackedLinear


def check_separate(columns: BranchedNetwork) -> None:
    """Refuse networks that share a stage.

    Raises:
        InputError: If a stage serves several tasks.
    """
    if columns.tree.widths[0] != len(columns.tasks):
        raise InputError(
            "`columns` must be one network per task; use `SharingTree.separate`. Got a tree of "
            f"widths {columns.tree.widths} for {len(columns.tasks)} tasks"
        )


def stacked_layers(network: TaskNetwork) -> list[StackedLinear | StackedConv2d]:
    """The dense layers and convolutions of all tasks' networks, stacked, from input to output.

    None for a single task.

    Args:
        network: One network per task.

    Raises:
        InputError: If a stage has a layer without a stacked form.
    """
    layers: list[StackedLinear | StackedConv2d] = []
    for i, stage in enumerate(m for m in network.modules() if isinstance(m, Branches)):
        if stage.joined is None and stage.n_groups > 1:
            raise InputError(
                f"stage {i} of `backbone` must only have layers with a stacked form (dense, "
                "convolution, norm, pooling, activation), so that weights stand side by side"
            )
        layers += [m for m in stage.modules() if isinstance(m, StackedLinear | StackedConv2d)]
    return layers


@torch.no_grad()
def spread(columns: BranchedNetwork) -> BranchedNetwork:
    r"""Networks whose weights differ: half what they were, half noise of the same size.

    Identical networks have a single factor, from which tasks could never part.

    Args:
        columns: One network per task; unchanged.
    """
    columns = copy.deepcopy(columns)
    for layer in stacked_layers(columns):
        weight = layer.weight
        noise = torch.randn(weight.shape).to(weight) * weight.std()
        weight.copy_((weight + noise) / 2**0.5)
    return columns
