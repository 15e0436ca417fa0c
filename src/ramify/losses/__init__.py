"""From outputs and partly missing targets to losses, error margins and predictions, per kind."""

from ramify.losses._by_kind import (
    KIND_LOSSES,
    BinaryLoss,
    MulticlassLoss,
    RegressionLoss,
)
from ramify.losses._kind_loss import KindLoss, RowLoss
from ramify.losses._ordinal import OrdinalLoss
from ramify.losses._ranking import RankingLoss
from ramify.losses._task_losses import TaskLosses

__all__ = [
    "KIND_LOSSES",
    "BinaryLoss",
    "KindLoss",
    "MulticlassLoss",
    "OrdinalLoss",
    "RankingLoss",
    "RegressionLoss",
    "RowLoss",
    "TaskLosses",
]
