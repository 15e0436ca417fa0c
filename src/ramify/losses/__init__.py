"""From outputs and partly missing targets to losses, error margins and predictions, per kind."""

from ramify.losses._by_kind import (
    KIND_LOSSES,
    BinaryLoss,
    KindLoss,
    MulticlassLoss,
    RegressionLoss,
)
from ramify.losses._task_losses import TaskLosses

__all__ = [
    "KIND_LOSSES",
    "BinaryLoss",
    "KindLoss",
    "MulticlassLoss",
    "RegressionLoss",
    "TaskLosses",
]
