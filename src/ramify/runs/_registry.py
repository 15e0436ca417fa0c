"""Every way of sharing by its name."""

from typing import Final

from ramify._core import Registry
from ramify.networks import NETWORKS
from ramify.runs.methods import (
    ForestModel,
    LinearModel,
    LinearPerTaskModel,
    LinearSharing,
    RandomForest,
    RidgeLogistic,
)
from ramify.sharing import BUILT_IN, Strategy

STRATEGIES: Final[Registry[Strategy]] = Registry(
    Strategy,
    "way of sharing",
    "ramify.strategies",
    [*BUILT_IN, LinearSharing, RandomForest, RidgeLogistic],
)
"""Every way of sharing by its name; `ramify.register` and installed packages add to it."""

for _model in (LinearModel, ForestModel, LinearPerTaskModel):
    NETWORKS.add(_model)  # files have one list of kinds, of networks and of all else
