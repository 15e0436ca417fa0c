"""What can be fitted: networks that share in some way, linear models, and a model for each task.

Each is a `Method`: it gets a `Job`, the data and the settings, and gives what is `Finished`.
"""

from typing import Final

from ramify._core import InputError, quoted
from ramify.runs.methods._base import Finished, Job, Method, stages_in_lists, timed
from ramify.runs.methods._linear import LINEAR_METHODS, LinearModel, LinearSharing
from ramify.runs.methods._networks import NetworkMethod, baseline, warm_up_epochs
from ramify.runs.methods._per_task import PerTask, RandomForest, RidgeLogistic
from ramify.runs.methods._tensor_models import ForestModel, LinearPerTaskModel
from ramify.sharing import Sharing, Strategy

PER_TASK: Final[tuple[type[PerTask], ...]] = (RandomForest, RidgeLogistic)
"""What learns each task for itself: what one has without any network."""

__all__ = [
    "LINEAR_METHODS",
    "PER_TASK",
    "Finished",
    "ForestModel",
    "Job",
    "LinearModel",
    "LinearPerTaskModel",
    "LinearSharing",
    "Method",
    "NetworkMethod",
    "RandomForest",
    "RidgeLogistic",
    "baseline",
    "method_of",
    "stages_in_lists",
    "timed",
    "warm_up_epochs",
]


def method_of(strategy: Strategy) -> Method:
    """What fits a strategy.

    Args:
        strategy: A way of sharing of networks, or a method itself.

    Raises:
        InputError: If it is neither.
    """
    if isinstance(strategy, Sharing):
        return NetworkMethod(strategy)
    if isinstance(strategy, Method):
        return strategy
    raise InputError(
        "must build a network (derive from `ramify.sharing.Sharing`) or be fitted "
        "(from `ramify.runs.Method`)",
        argument="sharing",
        got=quoted(type(strategy).__name__),
    )
