"""Per-task scores over partly labelled rows, their mean, their intervals, and `delta_m`."""

from ramify.metrics._attributes import (
    mean_accuracy,
    mean_balanced_accuracy,
    top_accuracy,
    top_recall,
)
from ramify.metrics._comparison import Interval, bootstrap_weights, delta_m, intervals
from ramify.metrics._levels import (
    expected_level,
    level_correlation,
    level_error,
    most_fitting_level,
    weighted_kappa,
)
from ramify.metrics._ordering import (
    group_kendall_tau,
    group_ndcg,
    group_reciprocal_rank,
    mean_over_groups,
    ndcg,
)
from ramify.metrics._scores import (
    GROUP_SCORES,
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
    "GROUP_SCORES",
    "SCORES",
    "Interval",
    "absence_note",
    "accuracy",
    "bootstrap_weights",
    "delta_m",
    "expected_level",
    "group_kendall_tau",
    "group_ndcg",
    "group_reciprocal_rank",
    "intervals",
    "level_correlation",
    "level_error",
    "mean_accuracy",
    "mean_balanced_accuracy",
    "mean_over_groups",
    "mean_skill",
    "most_fitting_level",
    "ndcg",
    "rmse",
    "roc_auc",
    "skills",
    "task_scores",
    "top_accuracy",
    "top_recall",
    "weighted_kappa",
]
