"""Networks in stages: `BranchedNetwork` executes a sharing tree; others share in other ways."""

from ramify.networks._branched import BranchedNetwork, OwnedRows
from ramify.networks._branches import Branches
from ramify.networks._cost import Cost, StageCosts, stage_costs
from ramify.networks._count import n_parameters
from ramify.networks._fold import fold_batch_norms
from ramify.networks._heads import StackedHeads
from ramify.networks._low_rank import VGG16_RANKS, low_rank
from ramify.networks._mlp import mlp
from ramify.networks._residual import Residual
from ramify.networks._resnet import BasicBlock, resnet
from ramify.networks._somp import somp
from ramify.networks._specs import (
    SPECS,
    BackboneSpec,
    LinearSpec,
    MLPSpec,
    ResNetSpec,
    VGGSpec,
    spec_from,
)
from ramify.networks._stages import Backbone, feature_width, stages_of
from ramify.networks._state_files import read_state
from ramify.networks._thin import thin_from, thin_like
from ramify.networks._torchvision import load_torchvision
from ramify.networks._vgg import vgg16
from ramify.networks._weights import n_weights

__all__ = [
    "SPECS",
    "VGG16_RANKS",
    "Backbone",
    "BackboneSpec",
    "BasicBlock",
    "BranchedNetwork",
    "Branches",
    "Cost",
    "LinearSpec",
    "MLPSpec",
    "OwnedRows",
    "ResNetSpec",
    "Residual",
    "StackedHeads",
    "StageCosts",
    "VGGSpec",
    "feature_width",
    "fold_batch_norms",
    "load_torchvision",
    "low_rank",
    "mlp",
    "n_parameters",
    "n_weights",
    "read_state",
    "resnet",
    "somp",
    "spec_from",
    "stage_costs",
    "stages_of",
    "thin_from",
    "thin_like",
    "vgg16",
]
