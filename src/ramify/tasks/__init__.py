"""Tasks, their kinds, and the tree that says which of them share which stages. No torch here."""

from ramify.tasks._kind import (
    ACCURACY,
    KAPPA,
    NDCG,
    RMSE,
    ROC_AUC,
    Binary,
    Kind,
    LabelRange,
    Metric,
    Multiclass,
    Regression,
)
from ramify.tasks._order import NDCG_PLACES, THRESHOLD_PACE, Ordinal, Ranking
from ramify.tasks._sharing_tree import Partition, SharingTree, tree_lines, tree_mermaid
from ramify.tasks._task_set import PIXEL, ROW, TOKEN, Role, Task, TaskSet, Unit

__all__ = [
    "ACCURACY",
    "KAPPA",
    "NDCG",
    "NDCG_PLACES",
    "PIXEL",
    "RMSE",
    "ROC_AUC",
    "ROW",
    "THRESHOLD_PACE",
    "TOKEN",
    "Binary",
    "Kind",
    "LabelRange",
    "Metric",
    "Multiclass",
    "Ordinal",
    "Partition",
    "Ranking",
    "Regression",
    "Role",
    "SharingTree",
    "Task",
    "TaskSet",
    "Unit",
    "tree_lines",
    "tree_mermaid",
]
