"""Per-task scores over partly labelled rows, their mean, their intervals, and `delta_m`."""

from ramify.metrics._attributes import (
    mean_accuracy,
    mean_balanced_accuracy,
    top_accuracy,
    top_recall,
)
from ramify.metrics._comparison import Interval, bootstrap_weights, delta_m, intervals
from ramify.metrics._scores import (
    SCORES,
    absence_note,
    accuracy,
    mean_skill,
    rmse,
    roc_auc,
    skills,
    task_scores,
)

__all__ = [
    "SCORES",
    "Interval",
    "absence_note",
    "accuracy",
    "bootstrap_weights",
    "delta_m",
    "intervals",
    "mean_accuracy",
    "mean_balanced_accuracy",
    "mean_skill",
    "rmse",
    "roc_auc",
    "skills",
    "task_scores",
    "top_accuracy",
    "top_recall",
]
