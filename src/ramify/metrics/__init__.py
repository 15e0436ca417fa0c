"""Per-task scores over partly labelled rows, their mean, their intervals, and `delta_m`."""

from ramify.metrics._attributes import (
    mean_accuracy,
    mean_balanced_accuracy,
    top_accuracy,
    top_recall,
)
from ramify.metrics._estimate import Estimate
from ramify.metrics._intervals import (
    Interval,
    Spread,
    holm,
    intervals,
    score_intervals,
    spread_over_rows,
    spread_over_trainings,
    sum_of_spreads,
)
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
from ramify.metrics._relative_gain import delta_m
from ramify.metrics._scores import (
    GROUP_SCORES,
    SCORES,
    TaskScores,
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
    "Estimate",
    "Interval",
    "Spread",
    "TaskScores",
    "absence_note",
    "accuracy",
    "delta_m",
    "expected_level",
    "group_kendall_tau",
    "group_ndcg",
    "group_reciprocal_rank",
    "holm",
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
    "score_intervals",
    "skills",
    "spread_over_rows",
    "spread_over_trainings",
    "sum_of_spreads",
    "task_scores",
    "top_accuracy",
    "top_recall",
    "weighted_kappa",
]
