"""Networks in stages: `BranchedNetwork` executes a sharing tree; others share in other ways."""

from ramify._core import Setting
from ramify.networks._attached import AttachedNetwork
from ramify.networks._attention import AttentionNetwork
from ramify.networks._branch_gradients import BranchGradients
from ramify.networks._branched import BranchedNetwork
from ramify.networks._branches import Branches
from ramify.networks._cnn import cnn
from ramify.networks._cost import Cost, StageCosts, network_cost, stage_costs
from ramify.networks._count import n_parameters
from ramify.networks._experts import ExpertNetwork, ExpertPlan
from ramify.networks._factorised import FactorisedNetwork
from ramify.networks._factors import FORMS
from ramify.networks._fold import fold_batch_norms
from ramify.networks._heads import StackedHeads
from ramify.networks._low_rank import VGG16_RANKS, low_rank
from ramify.networks._mlp import mlp
from ramify.networks._network_from import NETWORKS, network_from
from ramify.networks._own_rows import OwnRows, RowRouter
from ramify.networks._positions import (
    KnowsPadding,
    PositionNorm,
    Positions,
    ReadsPositions,
)
from ramify.networks._ranks import ranks_of
from ramify.networks._residual import Residual
from ramify.networks._resnet import BasicBlock, resnet
from ramify.networks._saved import Parts, read_settings
from ramify.networks._somp import somp
from ramify.networks._specs import (
    BACKBONES,
    BackboneSpec,
    CNNSpec,
    DataFacts,
    MLPSpec,
    ResNetSpec,
    VGGSpec,
    default_backbone,
    spec_from,
)
from ramify.networks._stacked_weights import spread, stacked_layers
from ramify.networks._stages import Backbone, feature_width, stages_of
from ramify.networks._state_files import read_state
from ramify.networks._stitched import StitchedNetwork
from ramify.networks._stitching import Stitching
from ramify.networks._task_gradients import TaskGradients
from ramify.networks._task_network import (
    OwnedWeights,
    ParameterRule,
    Relation,
    TaskModel,
    TaskNetwork,
)
from ramify.networks._thin import thin_from, thin_like
from ramify.networks._torchvision import load_torchvision
from ramify.networks._vgg import VGG16_CONV_WIDTHS, VGG16_DENSE_WIDTH, vgg16
from ramify.networks._weights import n_weights

__all__ = [
    "BACKBONES",
    "FORMS",
    "NETWORKS",
    "VGG16_CONV_WIDTHS",
    "VGG16_DENSE_WIDTH",
    "VGG16_RANKS",
    "AttachedNetwork",
    "AttentionNetwork",
    "Backbone",
    "BackboneSpec",
    "BasicBlock",
    "BranchGradients",
    "BranchedNetwork",
    "Branches",
    "CNNSpec",
    "Cost",
    "DataFacts",
    "ExpertNetwork",
    "ExpertPlan",
    "FactorisedNetwork",
    "KnowsPadding",
    "MLPSpec",
    "OwnRows",
    "OwnedWeights",
    "ParameterRule",
    "Parts",
    "PositionNorm",
    "Positions",
    "ReadsPositions",
    "Relation",
    "ResNetSpec",
    "Residual",
    "RowRouter",
    "Setting",
    "StackedHeads",
    "StageCosts",
    "StitchedNetwork",
    "Stitching",
    "TaskGradients",
    "TaskModel",
    "TaskNetwork",
    "VGGSpec",
    "cnn",
    "default_backbone",
    "feature_width",
    "fold_batch_norms",
    "load_torchvision",
    "low_rank",
    "mlp",
    "n_parameters",
    "n_weights",
    "network_cost",
    "network_from",
    "ranks_of",
    "read_settings",
    "read_state",
    "resnet",
    "somp",
    "spec_from",
    "spread",
    "stacked_layers",
    "stage_costs",
    "stages_of",
    "thin_from",
    "thin_like",
    "vgg16",
]
