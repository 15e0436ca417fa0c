"""Tasks, their kinds, and the tree that says which of them share which stages. No torch here."""

from ramify.tasks._kind import (
    ACCURACY,
    KAPPA,
    NDCG,
    RMSE,
    ROC_AUC,
    Binary,
    Kind,
    Metric,
    Multiclass,
    Regression,
)
from ramify.tasks._order import NDCG_PLACES, THRESHOLD_PACE, Ordinal, Ranking
from ramify.tasks._sharing_tree import Partition, SharingTree
from ramify.tasks._task_set import Task, TaskSet
from ramify.tasks._tree_text import tree_lines, tree_mermaid

__all__ = [
    "ACCURACY",
    "KAPPA",
    "NDCG",
    "NDCG_PLACES",
    "RMSE",
    "ROC_AUC",
    "THRESHOLD_PACE",
    "Binary",
    "Kind",
    "Metric",
    "Multiclass",
    "Ordinal",
    "Partition",
    "Ranking",
    "Regression",
    "SharingTree",
    "Task",
    "TaskSet",
    "tree_lines",
    "tree_mermaid",
]
