"""Networks in stages: `BranchedNetwork` executes a sharing tree on any staged backbone."""

from ramify.networks._branched import BranchedNetwork, OwnedRows
from ramify.networks._branches import Branches
from ramify.networks._cost import Cost, StageCosts, stage_costs
from ramify.networks._count import n_parameters
from ramify.networks._heads import StackedHeads
from ramify.networks._mlp import mlp
from ramify.networks._residual import Residual
from ramify.networks._stages import Backbone, feature_width, stages_of

__all__ = [
    "Backbone",
    "BranchedNetwork",
    "Branches",
    "Cost",
    "OwnedRows",
    "Residual",
    "StackedHeads",
    "StageCosts",
    "feature_width",
    "mlp",
    "n_parameters",
    "stage_costs",
    "stages_of",
]
