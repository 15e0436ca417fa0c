"""A sharing tree executed task by task, with one plain copy of every stage per group."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ramify.networks import BranchedNetwork


class LoopedNetwork(nn.Module):
    """The same function as a `BranchedNetwork`, from plain modules.

    Args:
        network: Unstacked (``stack=False``), so that each stage has its plain copies.
    """

    def __init__(self, network: BranchedNetwork) -> None:
        super().__init__()
        self.tree, self.tasks = network.tree, network.tasks
        self.stages = nn.ModuleList(
            nn.ModuleList(copy.deepcopy(part) for part in stage.get_submodule("copies").children())
            for stage in network.stages
        )
        weight, bias = network.heads.weight.detach(), network.heads.bias.detach()
        columns = torch.tensor(self.tasks.task_of_column)
        self.heads = nn.ModuleList(
            _linear(weight[columns == t], bias[columns == t]) for t in range(len(self.tasks))
        )

    def forward(self, inputs: Tensor) -> Tensor:
        features = self._features(inputs)
        top = self.tree.assignment(self.tree.n_stages - 1)
        outputs = [head(features[g].flatten(1)) for head, g in zip(self.heads, top, strict=True)]
        return torch.cat(outputs, dim=1)

    def _features(self, inputs: Tensor) -> list[Tensor]:
        below = [inputs]
        for i, stage in enumerate(self.stages):
            copies: Sequence[nn.Module] = list(stage.children())
            sources = [below[parent] for parent in self.tree.parents(i)]
            below = [part(x) for part, x in zip(copies, sources, strict=True)]
        return below


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer
