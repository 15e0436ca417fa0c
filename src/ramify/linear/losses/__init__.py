"""The loss of all tasks: entry by entry, over rows, from Gram matrices, as a quadratic model."""

from ramify.linear.losses._gram_loss import GramLoss
from ramify.linear.losses._objective import HeldOut, LabelledRows, Objective
from ramify.linear.losses._pointwise import LOSSES, Logistic, Loss, Poisson
from ramify.linear.losses._quadratic_model import BlockModel, QuadraticModel, quadratic_model_at
from ramify.linear.losses._row_loss import RowLoss
from ramify.linear.losses._smooth import Curvature, SmoothLoss

__all__ = [
    "LOSSES",
    "BlockModel",
    "Curvature",
    "GramLoss",
    "HeldOut",
    "LabelledRows",
    "Logistic",
    "Loss",
    "Objective",
    "Poisson",
    "QuadraticModel",
    "RowLoss",
    "SmoothLoss",
    "quadratic_model_at",
]
