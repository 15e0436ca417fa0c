"""What can be fitted: networks that share in some way, linear models, and a model for each task.

Whatever it is, it gets a `Job`, the data and the settings, and gives what is `Finished`, of which the model is
saved and read again by its class.
"""

import time
from dataclasses import replace
from typing import Final

from ramify._core import InputError, quoted
from ramify.runs.methods._auto import Auto
from ramify.runs.methods._base import Finished, Job, Method, stages_in_lists, timed
from ramify.runs.methods._ensemble_model import EnsembleModel
from ramify.runs.methods._linear import LINEAR_METHODS, LinearModel, LinearSharing
from ramify.runs.methods._networks import baseline, fit_network
from ramify.runs.methods._per_task import PerTask, RandomForest, RidgeLogistic
from ramify.runs.methods._tensor_models import ForestModel, LinearPerTaskModel
from ramify.sharing import Sharing

PER_TASK: Final[tuple[type[PerTask], ...]] = (RandomForest, RidgeLogistic)
"""What learns each task for itself: what one has without any network."""

TABLE_DEFAULT: Final[type[Method]] = Auto
"""What fits a table of plain rows where nothing is asked for."""

__all__ = [
    "LINEAR_METHODS",
    "PER_TASK",
    "TABLE_DEFAULT",
    "Auto",
    "EnsembleModel",
    "Finished",
    "ForestModel",
    "Job",
    "LinearModel",
    "LinearPerTaskModel",
    "LinearSharing",
    "Method",
    "RandomForest",
    "RidgeLogistic",
    "baseline",
    "fit_strategy",
    "forests",
    "stages_in_lists",
    "timed",
]


def forests(trees: int) -> list[Method]:
    """The forests among what learns each task for itself, of so many trees.

    Args:
        trees: Trees of each forest.
    """
    return [RandomForest(trees)]


def fit_strategy(job: Job) -> Finished:
    """Fit what is asked for, and nothing that it is compared with.

    Args:
        job: Data and settings.

    Raises:
        InputError: If the data is not fit for it, or it is no strategy.
        StoppedError: If SIGINT or SIGTERM came; the state is saved first.
    """
    strategy = job.options.sharing
    if isinstance(strategy, Sharing):
        return fit_network(job, strategy)
    if isinstance(strategy, Method):
        started = time.monotonic()
        return replace(strategy.fit(job), seconds=time.monotonic() - started)
    raise InputError(
        "must build a network (derive from `ramify.sharing.Sharing`) or be fitted "
        "(from `ramify.runs.Method`)",
        argument="sharing",
        got=quoted(type(strategy).__name__),
    )
