"""Backbones: their layers and stages, what they cost, and how they are written and read."""

from ramify.networks.backbones._cnn import cnn
from ramify.networks.backbones._cost import (
    Cost,
    StageCosts,
    n_parameters,
    n_weights,
    network_cost,
    stage_costs,
)
from ramify.networks.backbones._low_rank import VGG16_RANKS, Layer, like, low_rank, weight_layers
from ramify.networks.backbones._mlp import mlp
from ramify.networks.backbones._positions import (
    KnowsPadding,
    PositionNorm,
    Positions,
    ReadsPositions,
    means_of,
    positions_of,
    told_of_padding,
    unit_of,
    without_reader,
)
from ramify.networks.backbones._resnet import BasicBlock, Depth, Stem, resnet
from ramify.networks.backbones._specs import (
    BACKBONES,
    BackboneSpec,
    CNNSpec,
    DataFacts,
    MLPSpec,
    Parts,
    ResNetSpec,
    VGGSpec,
    default_backbone,
    read_settings,
    spec_from,
)
from ramify.networks.backbones._stage_copies import check_plain, copied_stages, has_own_forward
from ramify.networks.backbones._stages import (
    Backbone,
    Residual,
    feature_width,
    n_halvings,
    stages_of,
)
from ramify.networks.backbones._torchvision import load_torchvision, read_state
from ramify.networks.backbones._vgg import VGG16_CONV_WIDTHS, VGG16_DENSE_WIDTH, vgg16

__all__ = [
    "BACKBONES",
    "VGG16_CONV_WIDTHS",
    "VGG16_DENSE_WIDTH",
    "VGG16_RANKS",
    "Backbone",
    "BackboneSpec",
    "BasicBlock",
    "CNNSpec",
    "Cost",
    "DataFacts",
    "Depth",
    "KnowsPadding",
    "Layer",
    "MLPSpec",
    "Parts",
    "PositionNorm",
    "Positions",
    "ReadsPositions",
    "ResNetSpec",
    "Residual",
    "StageCosts",
    "Stem",
    "VGGSpec",
    "check_plain",
    "cnn",
    "copied_stages",
    "default_backbone",
    "feature_width",
    "has_own_forward",
    "like",
    "load_torchvision",
    "low_rank",
    "means_of",
    "mlp",
    "n_halvings",
    "n_parameters",
    "n_weights",
    "network_cost",
    "positions_of",
    "read_settings",
    "read_state",
    "resnet",
    "spec_from",
    "stage_costs",
    "stages_of",
    "told_of_padding",
    "unit_of",
    "vgg16",
    "weight_layers",
    "without_reader",
]
