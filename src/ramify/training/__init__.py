"""The loop: trains any way of sharing with partial labels; can be stopped and resumed anywhere."""

from ramify.training._distributed import Fabric, one_device
from ramify.training._evaluation import Predictions, predict
from ramify.training._events import EpochEnded, Watcher
from ramify.training._optimisers import SGD, AdamW, Optimiser
from ramify.training._schedules import OneCycle, Schedule, Stable, StepDecay
from ramify.training._segment import Epoch
from ramify.training._settings import Training
from ramify.training._trainer import Candidate, Fitted, Trainer

__all__ = [
    "SGD",
    "AdamW",
    "Candidate",
    "Epoch",
    "EpochEnded",
    "Fabric",
    "Fitted",
    "OneCycle",
    "Optimiser",
    "Predictions",
    "Schedule",
    "Stable",
    "StepDecay",
    "Trainer",
    "Training",
    "Watcher",
    "one_device",
    "predict",
]
