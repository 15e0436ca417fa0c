"""Tasks, their kinds, and the tree that says which of them share which stages. No torch here."""

from ramify.tasks._kind import (
    ACCURACY,
    RMSE,
    ROC_AUC,
    Binary,
    Kind,
    Metric,
    Multiclass,
    Regression,
)
from ramify.tasks._sharing_tree import Partition, SharingTree
from ramify.tasks._task_set import Task, TaskSet
from ramify.tasks._tree_text import tree_lines, tree_mermaid

__all__ = [
    "ACCURACY",
    "RMSE",
    "ROC_AUC",
    "Binary",
    "Kind",
    "Metric",
    "Multiclass",
    "Partition",
    "Regression",
    "SharingTree",
    "Task",
    "TaskSet",
    "tree_lines",
    "tree_mermaid",
]
