"""Every way of sharing by its name."""

from typing import Final

from ramify._core import Registry
from ramify.networks import NETWORKS
from ramify.runs.methods import Auto, LinearSharing, Method, RandomForest, RidgeLogistic
from ramify.sharing import BUILT_IN, Strategy

_METHODS: Final[tuple[type[Method], ...]] = (LinearSharing, RandomForest, RidgeLogistic, Auto)

STRATEGIES: Final[Registry[Strategy]] = Registry(
    Strategy, "way of sharing", "ramify.strategies", [*BUILT_IN, *_METHODS]
)
"""Every way of sharing by its name; `ramify.register` and installed packages add to it."""

for _model in (model for method in _METHODS for model in method.models()):
    NETWORKS.add(_model)  # files have one list of kinds, of networks and of all else
