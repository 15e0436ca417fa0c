"""The network that executes a sharing tree: trunk, branches, heads, and gradients per branch and task."""

from ramify.networks.branched._branched import BranchedNetwork
from ramify.networks.branched._branches import Branches, Features
from ramify.networks.branched._heads import StackedHeads
from ramify.networks.branched._ownership import (
    each_its_own,
    rows_of,
    rows_of_branches,
    rows_of_heads,
)
from ramify.networks.branched._row_routing import OwnRows, RowRouter
from ramify.networks.branched._stacked_weights import check_separate, spread, stacked_layers
from ramify.networks.branched._task_gradients import BranchGradients, TaskGradients
from ramify.networks.branched._task_network import (
    OwnedWeights,
    ParameterRule,
    Relation,
    TaskModel,
    TaskNetwork,
)

__all__ = [
    "BranchGradients",
    "BranchedNetwork",
    "Branches",
    "Features",
    "OwnRows",
    "OwnedWeights",
    "ParameterRule",
    "Relation",
    "RowRouter",
    "StackedHeads",
    "TaskGradients",
    "TaskModel",
    "TaskNetwork",
    "check_separate",
    "each_its_own",
    "rows_of",
    "rows_of_branches",
    "rows_of_heads",
    "spread",
    "stacked_layers",
]
