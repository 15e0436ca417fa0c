"""Networks of one shape on different folds of the rows, or subsets of the tasks, trained side by side."""

from ramify.stacked._look_ahead import TaskEffects, task_effects
from ramify.stacked._networks import StackedMLP
from ramify.stacked._subsets import SubsetLosses, SubsetRows, fit_subsets, shared_margins
from ramify.stacked._training import FoldFit, FoldTraining, fit_folds

__all__ = [
    "FoldFit",
    "FoldTraining",
    "StackedMLP",
    "SubsetLosses",
    "SubsetRows",
    "TaskEffects",
    "fit_folds",
    "fit_subsets",
    "shared_margins",
    "task_effects",
]
