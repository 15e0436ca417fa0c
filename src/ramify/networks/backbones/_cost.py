"""What a network, or a tree that is not built yet, costs in parameters and operations."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ramify.networks.backbones._stages import Backbone, feature_width, stages_of
from ramify.tasks import SharingTree, TaskSet


def n_parameters(network: nn.Module) -> int:
    """Number of trainable numbers in a module."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def n_weights(network: nn.Module) -> int:
    """Number of weights, without biases and without the parameters of normalisations.

    This is how Lu et al. (CVPR 2017) count: 134.41 million for VGG-16 with 40 tasks. It counts
    frozen weights too; `n_parameters` counts everything that is trained.

    Args:
        network: Any module, branched and stacked ones too.

    Example:
        >>> from torch import nn
        >>> n_weights(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2)))
        232
    """
    return sum(
        parameter.numel()
        for module in network.modules()
        # A normalisation of any kind has an `eps`, and no other layer with weights does.
        if not hasattr(module, "eps")
        for name, parameter in module.named_parameters(recurse=False)
        if not name.startswith("bias")
    )


@dataclass(frozen=True)
class Cost:
    """Parameters, and floating-point operations of one row's forward pass."""

    parameters: int
    flops: int


@dataclass(frozen=True)
class StageCosts:
    """What one copy of each stage and all heads cost; any tree's cost follows.

    Attributes:
        stages: One copy of each stage, from input to output.
        heads: All heads together.
    """

    stages: tuple[Cost, ...]
    heads: Cost

    def of(self, tree: SharingTree) -> Cost:
        """Cost of the network that executes a tree."""
        pairs = list(zip(self.stages, tree.widths, strict=True))
        return Cost(
            sum(cost.parameters * width for cost, width in pairs) + self.heads.parameters,
            sum(cost.flops * width for cost, width in pairs) + self.heads.flops,
        )


def stage_costs(
    backbone: Backbone, tasks: TaskSet, example: Tensor, *, n_features: int | None = None
) -> StageCosts:
    """Measure one copy of each stage on one row.

    Args:
        backbone: As for `BranchedNetwork`.
        tasks: The tasks.
        example: One row of input, ``(1, …)``.
        n_features: Width of the features that the heads get; by default that of the last linear.

    Example:
        >>> import torch
        >>> from ramify.tasks import Binary, SharingTree, Task, TaskSet
        >>> tasks = TaskSet([Task("a", Binary()), Task("b", Binary())])
        >>> costs = stage_costs([torch.nn.Linear(8, 4)], tasks, torch.zeros(1, 8))
        >>> costs.of(SharingTree.separate(tasks.names, 1))
        Cost(parameters=82, flops=144)
    """
    parts = stages_of(backbone)
    costs, x = [], example
    for part in parts:
        cost, x = _measured(part, x)
        costs.append(cost)
    width = feature_width(parts) if n_features is None else n_features
    heads = Cost((width + 1) * tasks.n_columns, 2 * width * tasks.n_columns)
    return StageCosts(tuple(costs), heads)


def network_cost(network: nn.Module, example: Tensor) -> Cost:
    """Parameters of any network, and operations of one row through it.

    Args:
        network: Unchanged.
        example: One row of input, ``(1, …)``, where the network is.

    Example:
        >>> import torch
        >>> network_cost(torch.nn.Linear(3, 2), torch.zeros(1, 3))
        Cost(parameters=8, flops=12)
    """
    return _measured(network, example)[0]


@torch.no_grad()
def _measured(stage: nn.Module, x: Tensor) -> tuple[Cost, Tensor]:
    was_training = stage.training
    stage.eval()  # batch statistics of one row would be useless, and dropout a waste
    with FlopCounterMode(display=False) as counter:
        y: Tensor = stage(x)
    stage.train(was_training)
    return Cost(n_parameters(stage), counter.get_total_flops()), y
