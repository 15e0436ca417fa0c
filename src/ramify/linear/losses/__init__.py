"""The loss of all tasks: entry by entry, over rows, from Gram matrices, as a quadratic model."""

from ramify.linear.losses._gram_loss import GramLoss
from ramify.linear.losses._objective import HeldOut, LabelledRows, Objective
from ramify.linear.losses._pointwise import LOSSES, Logistic, Loss, Poisson
from ramify.linear.losses._quadratic_model import Parabola
from ramify.linear.losses._quadratic_models import BlockParabola, parabola_at
from ramify.linear.losses._smooth import Curvature, SmoothLoss

__all__ = [
    "LOSSES",
    "BlockParabola",
    "Curvature",
    "GramLoss",
    "HeldOut",
    "LabelledRows",
    "Logistic",
    "Loss",
    "Objective",
    "Parabola",
    "Poisson",
    "SmoothLoss",
    "parabola_at",
]
